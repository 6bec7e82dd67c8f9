//! Watches a connection and pushes its status to every open page. Here the connection is a switch that the UI can flip.

import { createPlugin } from "@skyvexsoftware/stratos-sdk/helpers";

export type Status = { connected: boolean; pilots: number; since: Date };

let timer: NodeJS.Timeout | undefined;

export default createPlugin({
  async onStart(ctx) {
    let status: Status = { connected: await ctx.config.get<boolean>("connected", false), pilots: 42, since: new Date() };
    const push = () => ctx.ipc.send("status-update", status);

    // A page that opens later asks first and listens then: a push that was before it is gone.
    ctx.ipc.handle("get-status", () => status);
    ctx.ipc.handle("set-connected", async (connected: boolean) => {
      await ctx.config.set("connected", connected);
      status = { ...status, connected, since: new Date() };
      push();
      return status;
    });

    timer = setInterval(push, await ctx.config.get<number>("interval_ms", 1000));
    ctx.logger.info("StatusBadge", "Watching");
  },

  async onStop() {
    clearInterval(timer);
  },
});
