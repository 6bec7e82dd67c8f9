//! Uses every hook of the shell, with its types: `types.test.mjs` compiles it with `tsc --strict`.

import {
  EventCategory, FlightPhase, useFlightEvents, useFlightManager, useFlightPhase, useLandingAnalysis, usePluginContext, usePluginLogger, useService, useServiceValue,
  useShellAuth, useShellConfig, useShellNavigation, useShellToast, useSimData, useTrackingSession, useVaApi, type FlightEvents, type ShellConfig, type TrackingSession,
} from "@skyvexsoftware/stratos-sdk";
import type { CurrentFlight, LandingAnalysis } from "@outboard/shell/types";

export function Strip(): string {
  const climbs: boolean | undefined = useFlightPhase({ select: ({ currentPhase }) => currentPhase === FlightPhase.CLIMB }).data;
  const feet: number | undefined = useSimData({ select: ({ data }) => data?.altitude ?? 0 }).data;
  const whole: boolean = useSimData().data?.isConnected ?? useFlightManager().isLoading;
  const log: FlightEvents = useFlightEvents({ flightId: "7", categories: [EventCategory.WARNING] });
  const session: TrackingSession = useTrackingSession();
  const flight: CurrentFlight | null = session.currentFlight;
  const landing: LandingAnalysis = useLandingAnalysis();
  const config: ShellConfig = useShellConfig();
  const unit: string = config.get("weightUnit", "kg");
  const gates = useServiceValue<{ free: string[] }, number>({ service: "acme.gates", method: "list", event: "changed" }, { select: ({ free }) => free.length });
  const acts = useService("acme.gates");
  void log.addComment("bumpy").then(() => log.editComment("1", "calm")).then(() => log.deleteComment("1"));
  void session.startFlight({ callsign: "BAW7" });
  void acts.call<string>("take", { gate: "A1" }).then((gate) => gate.length);
  acts.on("changed", (payload) => payload)();
  void useVaApi().get<{ pilotID: string }>("/pilot/verify").then(({ data }) => data.pilotID);
  useShellToast().success(unit);
  useShellNavigation().navigateToPlugin("fleet", usePluginContext().navigation.getCurrentPath());
  usePluginLogger().info("Strip", String(useShellAuth().isAuthenticated));
  // @ts-expect-error: no such member of a phase
  useFlightPhase({ select: ({ altitude }) => altitude });
  return [climbs, feet, whole, log.events.length, flight?.flightPlan.callsign, landing.landingRate, gates.data].join(" ");
}
