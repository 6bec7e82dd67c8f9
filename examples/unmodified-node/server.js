// An ordinary Node server, as it would run anywhere: it listens on PORT, which Node takes for a path where it is no number.
const http = require("node:http");

const server = http.createServer((request, response) => {
  response.setHeader("content-type", "application/json");
  response.end(JSON.stringify({ hello: "from an unmodified server", path: request.url, pid: process.pid }) + "\n");
});

server.listen(process.env.PORT ?? 3000, () => console.log("listening on", server.address()));
process.on("SIGTERM", () => {
  console.log("shutting down in good order");
  server.close();
  server.closeIdleConnections();
});
