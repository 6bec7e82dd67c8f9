//! The flight hooks: what the `flight` service says, in the shapes of the original shell's. Each asks once and then follows events; where
//! no host provides flights, they are loading for ever and say so in the console once.

import { useCallback, useMemo, useRef, useSyncExternalStore } from "react";
import type { CurrentFlight, FlightLogEvent, FlightManagerPayload, FlightPhaseSnapshot, LandingReport, SimDataSnapshot } from "../../flight/types.js";
import type { EventCategory, FlightPhase } from "../../flight/values.js";
import { usePluginConnection } from "../react.js";
import { follow, type Followed } from "../service.js";

const FLIGHT = "flight";
const STATE: Followed = { service: FLIGHT, method: "getState", event: "update" };
const PHASE: Followed = { service: FLIGHT, method: "getPhase", event: "phase" };
const DATA: Followed = { service: FLIGHT, method: "getSnapshot", event: "simData" };
const LANDING: Followed = { service: FLIGHT, method: "getLandingReport", event: "landing" };
const LOG: Followed = { service: FLIGHT, method: "log.list", event: "log" };

/** What a hook gives. */
export interface Followable<T> {
  data: T | undefined;
  isLoading: boolean;
}

/** Options of a hook that can be narrowed: the component renders again only when what `select` gives is another. */
export interface SelectOptions<From, To> {
  select?: (all: From) => To;
}

/** A value of a service; narrowed by `select`, whose outcomes are compared as JSON. */
function useFollowed<From, To = From>(what: Followed, select?: (all: From) => To): Followable<To> {
  const connection = usePluginConnection();
  const follower = useMemo(() => follow(connection, what), [connection, what]);
  const last = useRef<{ text: string; data: To | undefined }>({ text: "", data: undefined });
  const read = (): To | undefined => {
    const all = follower.value() as From | null | undefined;
    if (all === undefined || all === null) return undefined;
    const data = select ? select(all) : (all as unknown as To);
    const text = JSON.stringify(data) ?? "";
    if (text !== last.current.text) last.current = { text, data };
    return last.current.data;
  };
  const data = useSyncExternalStore(useCallback((changed) => follower.watch(changed), [follower]), read);
  return { data, isLoading: follower.value() === undefined };
}

/** The phase of the flight. */
export function useFlightPhase<T = FlightPhaseSnapshot>({ select }: SelectOptions<FlightPhaseSnapshot, T> = {}): Followable<T> {
  return useFollowed(PHASE, select);
}

/** The simulator's values, up to twenty times a second: narrow them with `select`. */
export function useSimData<T = SimDataSnapshot>({ select }: SelectOptions<SimDataSnapshot, T> = {}): Followable<T> {
  return useFollowed(DATA, select);
}

/** Everything that the flight manager says. */
export function useFlightManager(): Followable<FlightManagerPayload> {
  return useFollowed<FlightManagerPayload>(STATE);
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
  const connection = usePluginConnection();
  const { data, isLoading } = useFollowed<FlightLogEvent[]>(LOG);
  const phase = useFlightPhase({ select: ({ isTracking }) => isTracking });
  const wanted = categories?.join(" ");
  const events = useMemo(
    () => (data ?? []).filter((event) => (wanted === undefined || wanted.split(" ").includes(event.category)) && (flightId === undefined || event["flightId"] === undefined || event["flightId"] === flightId)),
    [data, wanted, flightId],
  );
  const acts = useMemo(() => {
    const call = async (method: string, params: object): Promise<void> => void (await connection.callService(FLIGHT, method, params));
    return {
      addComment: (message: string) => call("log.add", { category: "system", condition: "comment", message }),
      editComment: (id: string, message: string) => call("log.update", { id, message }),
      deleteComment: (id: string) => call("log.remove", { id }),
    };
  }, [connection]);
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
  const connection = usePluginConnection();
  const { data, isLoading } = useFlightManager();
  const phase = useFlightPhase({ select: ({ currentPhase }) => currentPhase });
  const acts = useMemo(() => {
    const call = (method: string) => async (params?: object): Promise<void> => void (await connection.callService(FLIGHT, method, params));
    return {
      startFlight: call("startFlight"),
      pauseFlight: () => call("pauseFlight")(),
      resumeFlight: () => call("resumeFlight")(),
      endFlight: () => call("endFlight")(),
      recoverFlight: () => call("recoverFlight")(),
      dismissRecovery: () => call("dismissRecovery")(),
    };
  }, [connection]);
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
export function useLandingAnalysis(): LandingReport & { isLoading: boolean } {
  const { data, isLoading } = useFollowed<LandingReport>(LANDING);
  const nothing: LandingReport = { landingRate: null, bounceCount: 0, touchdowns: [], isOnGround: true, approachData: [], landingAnalysis: null };
  return { ...nothing, ...data, isLoading };
}
