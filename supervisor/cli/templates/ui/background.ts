import { createPlugin } from "@skyvexsoftware/stratos-sdk/helpers";

let count = 0;
let timer: ReturnType<typeof setInterval>;

export default createPlugin({
  async onStart(ctx) {
    ctx.server.registerRouter(`/api/${ctx.pluginId}`, (request, response, next) => {
      if (request.method === "GET" && request.path === "/") response.json({ hello: "world", count });
      else next();
    });
    ctx.ipc.handle("greet", (name = "world") => `Hello, ${name}!`);
    timer = setInterval(() => ctx.ipc.send("count", ++count), 1000);
    ctx.logger.info("Start", "ready");
  },
  async onStop(ctx) {
    clearInterval(timer);
    ctx.logger.info("Stop", "goodbye");
  },
});
