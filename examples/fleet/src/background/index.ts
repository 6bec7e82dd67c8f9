//! Fetches the airline's fleet and offers it to the UI as an HTTP route.

import { createPlugin, type PluginConfigStore } from "@skyvexsoftware/stratos-sdk/helpers";
import { Router } from "express";

let config: PluginConfigStore;
const router = Router();

router.get("/", (_req, res) => {
  res.json({ fleet: "/api/fleet/fleet", ui: "/_outboard/shell/fleet" });
});

router.get("/fleet", async (_req, res) => {
  try {
    const url = await config.get<string>("fleet_url", "https://api.my-va.com/fleet");
    const response = await fetch(url);
    if (!response.ok) throw new Error(`${url} answered ${response.status}`);
    res.json({ success: true, data: await response.json() });
  } catch (err) {
    res.status(502).json({ success: false, error: `Failed to fetch fleet: ${(err as Error).message}` });
  }
});

export default createPlugin({
  async onStart(ctx) {
    config = ctx.config;
    ctx.server.registerRouter("/api/fleet", router);
    ctx.logger.info("Fleet", "Routes registered");
  },

  async onStop(ctx) {
    ctx.logger.info("Fleet", "Stopping...");
  },
});
