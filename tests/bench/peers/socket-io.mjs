// The peer of the bus: socket.io, WebSocket only. `socket-io.mjs PORT`; GET /push?messages=N&pause=MS sends a message to all.
import http from "node:http";
import { setTimeout } from "node:timers/promises";
import { Server } from "socket.io";

const server = http.createServer(async (request, response) => {
  const asked = new URL(request.url, "http://localhost").searchParams;
  for (let n = 0; n < Number(asked.get("messages")); n++) {
    io.emit("news", { n: 100_000 + n, text: "x".repeat(40) });
    await setTimeout(Number(asked.get("pause")));
  }
  response.end("{}");
});
const io = new Server(server, { transports: ["websocket"], serveClient: false, pingInterval: 600_000 });
server.listen(Number(process.argv[2]), "127.0.0.1");
