//! Uses every member that the shell adds to `ctx`, with its types: `types.test.mjs` compiles it with `tsc --strict`.

import { CallError, createPlugin, EventCategory, FlightPhase, type FlightLogEvent, type FlightService, type LandingReport, type PluginContext, type SimDataSnapshot } from "@skyvexsoftware/stratos-sdk";
import type { FlightManagerPayload, FlightPhaseSnapshot, PluginBackgroundModule } from "@skyvexsoftware/stratos-sdk/types";
import { createPlugin as fromHelpers } from "@skyvexsoftware/stratos-sdk/helpers";

async function every(ctx: PluginContext): Promise<void> {
  const state: FlightManagerPayload = await ctx.flight.getState();
  const snapshot: SimDataSnapshot | null = await ctx.flight.getSnapshot();
  const phase: FlightPhaseSnapshot = await ctx.flight.getPhase();
  const report: LandingReport | null = await ctx.flight.getLandingReport();
  const offs: (() => void)[] = [
    ctx.flight.onPhaseChange(({ currentPhase }) => currentPhase === FlightPhase.CRUISE),
    ctx.flight.onUpdate(({ flight }) => flight?.flightPlan.callsign?.length),
    ctx.flight.onSimData(({ data }) => data && data.altitude + data.fuelTotalQuantityWeight),
    ctx.flight.onLanding(({ landingRate, touchdowns }) => landingRate + touchdowns.length),
    ctx.flight.registerStartGuard(async ({ callsign }) => (callsign ? { allow: true } : { allow: false, reason: "no callsign" })),
  ];
  const entry: FlightLogEvent | null = await ctx.flight.log.add({ category: EventCategory.SYSTEM, condition: "c", message: "m" });
  if (entry) await ctx.flight.log.update(entry.eventId, { message: `${entry.eventTimestamp}${entry.timestamp}${entry.phase}` });
  const removed: boolean = await ctx.flight.log.remove("1");
  ctx.notify.toast("m", { type: "success" });
  ctx.notify.toast({ message: "m", title: "t", durationMs: 1 });
  ctx.notify.playSound("ding");
  ctx.notify.playCustomSound("assets/audio/x.mp3");
  const nothing: void = await ctx.dialog.alert({ title: "t", message: "m", timeoutMs: 1 });
  const yes: boolean = await ctx.dialog.confirm({ title: "t", message: "m", confirmLabel: "y", cancelLabel: "n" });
  const text: string | null = await ctx.prompt.text({ title: "t", label: "l", placeholder: "p", required: true });
  const number: number | null = await ctx.prompt.number({ title: "t", label: "l", min: 0, max: 1 });
  const chosen: "a" | "b" | null = await ctx.prompt.select({ title: "t", label: "l", options: [{ value: "a", label: "A" }, { value: "b", label: "B" }] });
  ctx.plugin.setIndicator({ type: "notification", tooltip: "t", dismissOnOpen: true });
  ctx.plugin.clearIndicator();
  ctx.socket.on("flight:phase", (payload) => payload.currentPhase).off("flight:phase");
  const typed = await ctx.service<FlightService>("flight").call("getPhase");
  ctx.service<FlightService>("flight").on("simData", ({ isConnected }) => isConnected);
  // @ts-expect-error: no such method
  await ctx.service<FlightService>("flight").call("teleport");
  // @ts-expect-error: no such member
  ctx.teleport;
  ctx.logger.info("every", JSON.stringify([state, snapshot, phase, report, removed, nothing, yes, text, number, chosen, typed, CallError.name]));
  offs.forEach((off) => off());
}

export const other: PluginBackgroundModule = fromHelpers({ onStart: (ctx) => every(ctx), onStop() {} });
export default createPlugin({ onStart: (ctx) => every(ctx), onStop() {} });
