//! The flight hooks: what the `flight` service says, in the shapes of the original shell's. Each asks once and then follows events; where
//! no host provides flights, they are loading for ever and say so in the console once.

import type { Followable, Followed, SelectOptions } from "@outboard/plugin-sdk";
import { useService, useServiceValue } from "@outboard/plugin-sdk/ui";
import { useMemo } from "react";
import type { CurrentFlight, FlightLogEvent, FlightManagerPayload, FlightPhaseSnapshot, LandingAnalysis, LandingReport, SimDataSnapshot } from "../types.js";
import type { EventCategory, FlightPhase } from "../values.js";

const FLIGHT = "flight";
const STATE: Followed = { service: FLIGHT, method: "getState", event: "update" };
const PHASE: Followed = { service: FLIGHT, method: "getPhase", event: "phase" };
const DATA: Followed = { service: FLIGHT, method: "getSnapshot", event: "simData" };
const LANDING: Followed = { service: FLIGHT, method: "getLandingReport", event: "landing" };
const LOG: Followed = { service: FLIGHT, method: "log.list", event: "log" };

/** The phase of the flight. */
export function useFlightPhase<T = FlightPhaseSnapshot>(options: SelectOptions<FlightPhaseSnapshot, T> = {}): Followable<T> {
  return useServiceValue(PHASE, options);
}

/** The simulator's values, up to twenty times a second: narrow them with `select`. */
export function useSimData<T = SimDataSnapshot>(options: SelectOptions<SimDataSnapshot, T> = {}): Followable<T> {
  return useServiceValue(DATA, options);
}

/** Everything that the flight manager says. */
export function useFlightManager(): Followable<FlightManagerPayload> {
  return useServiceValue<FlightManagerPayload>(STATE);
}

/** The flight's log, and the pilot's comments in it. */
export interface FlightEvents {
  events: FlightLogEvent[];
  isTracking: boolean;
  isLoading: boolean;
  addComment(message: string): Promise<void>;
  editComment(eventId: string, message: string): Promise<void>;
  deleteComment(eventId: string): Promise<void>;
}

/** The flight's log. */
export function useFlightEvents({ flightId, categories }: { flightId?: string; categories?: readonly EventCategory[] } = {}): FlightEvents {
  const flight = useService(FLIGHT);
  const { data, isLoading } = useServiceValue<FlightLogEvent[]>(LOG);
  const phase = useFlightPhase({ select: ({ isTracking }) => isTracking });
  const wanted = categories?.join(" ");
  const events = useMemo(
    () => (data ?? []).filter((event) => (wanted === undefined || wanted.split(" ").includes(event.category)) && (flightId === undefined || event.flightId === undefined || event.flightId === flightId)),
    [data, wanted, flightId],
  );
  const acts = useMemo(() => {
    const call = async (method: string, params: object): Promise<void> => void (await flight.call(method, params));
    return {
      addComment: (message: string) => call("log.add", { category: "system", condition: "comment", message }),
      editComment: (eventId: string, message: string) => call("log.update", { eventId, message }),
      deleteComment: (eventId: string) => call("log.remove", { eventId }),
    };
  }, [flight]);
  return { events, isTracking: phase.data ?? false, isLoading, ...acts };
}

/** The tracked flight, and what can be done with it. */
export interface TrackingSession {
  isTracking: boolean;
  isPaused: boolean;
  currentFlight: CurrentFlight | null;
  pendingRecovery: unknown;
  /** Seconds since the flight began; 0 without one. */
  elapsedTime: number;
  phase: FlightPhase;
  isLoading: boolean;
  startFlight(plan?: object): Promise<void>;
  pauseFlight(): Promise<void>;
  resumeFlight(): Promise<void>;
  endFlight(): Promise<void>;
  recoverFlight(): Promise<void>;
  dismissRecovery(): Promise<void>;
}

/** The tracked flight. */
export function useTrackingSession(): TrackingSession {
  const service = useService(FLIGHT);
  const { data, isLoading } = useFlightManager();
  const phase = useFlightPhase({ select: ({ currentPhase }) => currentPhase });
  const acts = useMemo(() => {
    const call = (method: string) => async (params?: object): Promise<void> => void (await service.call(method, params));
    return {
      startFlight: call("startFlight"),
      pauseFlight: () => call("pauseFlight")(),
      resumeFlight: () => call("resumeFlight")(),
      endFlight: () => call("endFlight")(),
      recoverFlight: () => call("recoverFlight")(),
      dismissRecovery: () => call("dismissRecovery")(),
    };
  }, [service]);
  const flight = data?.flight ?? null;
  const begun = flight?.startedAt ? new Date(flight.startedAt).getTime() : NaN;
  return {
    isTracking: flight !== null,
    isPaused: flight?.status === "paused",
    currentFlight: flight,
    pendingRecovery: data?.pendingRecovery ?? null,
    elapsedTime: Number.isNaN(begun) ? 0 : Math.max(0, Math.floor(((data?.timestamp ?? Date.now()) - begun) / 1000)),
    phase: phase.data ?? flight?.currentPhase ?? "unknown",
    isLoading,
    ...acts,
  };
}

/** How the landing went, with empty values until there was one. */
export function useLandingAnalysis(): LandingAnalysis & { isLoading: boolean } {
  const { data, isLoading } = useServiceValue<LandingReport>(LANDING);
  const nothing: LandingAnalysis = { landingRate: null, bounceCount: 0, touchdowns: [], isOnGround: true, approachData: [], landingAnalysis: null };
  return { ...nothing, ...data, isLoading };
}
