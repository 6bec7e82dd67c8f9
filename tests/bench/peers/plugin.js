//! The plugin of the bench in JavaScript: its channel `rpc` reads a value of the host's as often as it is told, so many at once.

export default {
  async onStart(ctx) {
    await ctx.config.set("key", "x".repeat(60));
    ctx.ipc.handle("rpc", async (calls, atOnce) => {
      const begun = performance.now();
      let left = calls;
      const caller = async () => {
        while (left-- > 0) await ctx.config.get("key");
      };
      await Promise.all(Array.from({ length: atOnce }, caller));
      return { seconds: (performance.now() - begun) / 1000 };
    });
  },
  onStop() {},
};
