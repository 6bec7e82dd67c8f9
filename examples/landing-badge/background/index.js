//! Tells each landing, as a plugin of the original shell does it: nothing here knows Outboard.

import { createPlugin } from "@skyvexsoftware/stratos-sdk/helpers";

export default createPlugin({
  async onStart(ctx) {
    ctx.flight.onLanding(async ({ landingRate, bounceCount }) => {
      const hard = landingRate < (await ctx.config.get("hard_landing", -300));
      const message = `${landingRate} ft/min${bounceCount > 0 ? `, bounced ${bounceCount === 1 ? "once" : `${bounceCount} times`}` : ""}`;
      ctx.plugin.setIndicator({ type: hard ? "warning" : "notification", tooltip: `Landed: ${message}`, dismissOnOpen: true });
      ctx.notify.toast({ type: hard ? "warning" : "success", title: hard ? "A hard landing" : "Landed", message });
      ctx.notify.playSound(hard ? "warning" : "success");
      // Null where the flight has ended meanwhile.
      const entry = await ctx.flight.log.add({ category: "landing", condition: "landing_badge", message: hard ? `Hard: ${message}` : `Good: ${message}` });
      ctx.logger.info("Landing", entry ? entry.message : `${message}; the flight is over`);
    });

    // The badge is of the last flight.
    ctx.flight.onPhaseChange(({ currentPhase }) => {
      if (currentPhase === "boarding") ctx.plugin.clearIndicator();
    });
  },

  // Subscriptions end by themselves.
  onStop() {},
});
