import { createPlugin } from "@skyvexsoftware/stratos-sdk/helpers"; // Outboard brings it; nothing to install or build

export default createPlugin({
  async onStart(ctx) {
    ctx.server.registerRouter(`/api/${ctx.pluginId}`, (request, response, next) => {
      if (request.method === "GET" && request.path === "/") response.json({ hello: "world" });
      else next();
    });
    ctx.ipc.handle("greet", (name = "world") => `Hello, ${name}!`);
    ctx.logger.info("Start", "ready");
  },
  async onStop(ctx) {
    ctx.logger.info("Stop", "goodbye");
  },
});
