//! The counter of ../COUNTER.md in TypeScript. There is nothing to build: the runner takes TypeScript as it is.

import { createPlugin, type PluginContext } from "@skyvexsoftware/stratos-sdk/helpers";

async function begin(ctx: PluginContext) {
  let count = await ctx.config.get("count", 0);
  ctx.logger.info("Counter", `at ${count}`);

  // One after the other, so that what is stored never goes backwards.
  let before: Promise<unknown> = Promise.resolve();
  const add = async (amount?: number) => {
    amount ??= await ctx.config.get("step", 1);
    if (!Number.isInteger(amount)) throw new Error("add takes a whole number");
    await ctx.config.set("count", count + amount);
    count += amount;
    ctx.ipc.send("count", { count });
    return { count };
  };
  ctx.ipc.handle("add", (amount?: number) => {
    const answer = before.then(() => add(amount));
    before = answer.catch(() => {});
    return answer;
  });

  ctx.server.registerRouter(`/api/${ctx.pluginId}`, (request, response, next) => {
    if (request.method === "POST" && request.path === "/crash") process.exit(3);
    if (request.method === "GET" && request.path === "/") response.json({ count });
    else next();
  });
}

export default createPlugin({
  onStart: begin,
  async onResume(ctx, { fromVersion }) {
    ctx.logger.info("Counter", `resumed from ${fromVersion}`);
    await begin(ctx);
  },
  onStop: (ctx) => ctx.logger.info("Counter", "stopped"),
});
