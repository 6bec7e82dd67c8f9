//! Fetches the airline's fleet and offers it to the UI as an HTTP route. Where no airline is set, a small server of the example's own plays it.

import { createPlugin, type PluginConfigStore } from "@skyvexsoftware/stratos-sdk/helpers";
import { Router } from "express";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";

let config: PluginConfigStore;
let airline: Server | undefined;

/** The fleet of an airline that is not there. */
const FLEET = [
  { id: "1", name: "Airbus A320" },
  { id: "2", name: "Boeing 737-800" },
  { id: "3", name: "ATR 72-600" },
];

/** Where a small server of the example's own answers, which is started when it is first wanted. */
async function ownAirline(): Promise<string> {
  airline ??= createServer((_req, res) => res.setHeader("content-type", "application/json").end(JSON.stringify(FLEET))).listen(0, "127.0.0.1");
  const server = airline;
  if (!server.listening) await new Promise((resolve) => server.once("listening", resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/fleet`;
}

const router = Router();

router.get("/", (_req, res) => {
  res.json({ fleet: "/api/fleet/fleet", ui: "/_outboard/shell/fleet" });
});

router.get("/fleet", async (_req, res) => {
  try {
    const url = (await config.get<string>("fleet_url", "")) || (await ownAirline());
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
    airline?.close();
    ctx.logger.info("Fleet", "Stopping...");
  },
});
