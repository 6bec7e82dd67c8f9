//! The types of the original shell's `ctx`, on top of the SDK's own: the flight, messages, dialogs, prompts and the indicator. Types
//! only. What is not documented by the shell has room for further members.

import type { PluginContext, ResumeInfo, Unsubscribe } from "@outboard/plugin-sdk/types";
import type { EventCategory, FlightPhase } from "./values.js";

/** What a background module written for the shell exports by default. */
export interface ShellBackgroundModule {
  onStart(ctx: ShellContext): void | Promise<void>;
  onStop(ctx: ShellContext): void | Promise<void>;
  onResume?(ctx: ShellContext, update: ResumeInfo): void | Promise<void>;
}

/** What such a module is given. */
export interface ShellContext extends PluginContext, ShellFaces {}

/** What the shell adds to `ctx`. */
export interface ShellFaces {
  readonly flight: FlightAccessor;
  readonly notify: Notifier;
  readonly dialog: DialogOpener;
  readonly prompt: PromptOpener;
  readonly plugin: PluginFace;
  /** Undocumented, and used: the shell's own events by their names. */
  readonly socket: ShellSocket;
}

/** The flight that is under way, and its log. */
export interface FlightAccessor {
  getState(): Promise<FlightManagerPayload>;
  /** Null where no simulator has said anything yet. */
  getSnapshot(): Promise<SimDataSnapshot | null>;
  getPhase(): Promise<FlightPhaseSnapshot>;
  /** Null before the first landing. */
  getLandingReport(): Promise<LandingReport | null>;
  /** Each gives what takes the listener back; all of them end with the plugin. */
  onPhaseChange(listener: (phase: FlightPhaseSnapshot) => void): Unsubscribe;
  onUpdate(listener: (state: FlightManagerPayload) => void): Unsubscribe;
  /** Many times a second; a slow plugin gets the newest alone. */
  onSimData(listener: (snapshot: SimDataSnapshot) => void): Unsubscribe;
  onLanding(listener: (report: LandingReport) => void): Unsubscribe;
  readonly log: FlightLog;
  /**
   * Asked before a flight starts. Fails open: a guard that throws, answers something else, or takes more than five seconds allows it,
   * with a warning in the plugin's log.
   */
  registerStartGuard(guard: StartGuard): Unsubscribe;
}

/** Entries that a plugin writes into the flight's log. */
export interface FlightLog {
  /** Null where no flight is under way. */
  add(entry: FlightLogEntry): Promise<FlightLogEvent | null>;
  update(eventId: string, change: { message?: string }): Promise<FlightLogEvent | null>;
  /** Whether there was one. */
  remove(eventId: string): Promise<boolean>;
}

export interface FlightLogEntry {
  category: EventCategory;
  condition: string;
  message: string;
}

/** An event of the flight's log. The shell documents two shapes of it: all members of both are there. */
export interface FlightLogEvent {
  eventId: string;
  category: EventCategory;
  message: string;
  /** When, in milliseconds since 1970. */
  timestamp: number;
  phase: FlightPhase;
  /** When, as ISO text. */
  eventTimestamp: string;
  /** Seconds since the flight began. */
  eventElapsedTime: number;
  eventCondition: string;
  /** Of which flight, where the provider knows more than one. */
  flightId?: string;
}

/** Whether a flight may start. */
export type StartGuard = (flight: FlightPlan) => StartAnswer | Promise<StartAnswer>;
export type StartAnswer = { allow: true } | { allow: false; reason: string };

export interface FlightPlan {
  callsign?: string;
  departureIcao?: string;
  arrivalIcao?: string;
  source?: string;
  sourceId?: string;
}

export interface CurrentFlight {
  flightPlan: FlightPlan;
  status: string;
  vaTrackingId: string | null;
  stratosFlightId: string | null;
  startedAt: string;
  currentPhase: FlightPhase;
}

export interface FlightManagerPayload {
  flight: CurrentFlight | null;
  pendingRecovery: unknown;
  simDisconnected: boolean;
  reconnecting: boolean;
  timestamp: number;
}

export interface FlightPhaseSnapshot {
  currentPhase: FlightPhase;
  previousPhase: FlightPhase | null;
  pendingTransition: { phase: FlightPhase; elapsed: number; required: number } | null;
  trends: Record<string, unknown>;
  isTracking: boolean;
}

export interface SimDataSnapshot {
  isConnected: boolean;
  simulatorType: string | null;
  data: SimData | null;
}

/** What a simulator says: feet, knots, degrees, pounds. */
export interface SimData {
  altitude: number;
  altitudeAgl: number;
  verticalSpeed: number;
  groundSpeed: number;
  indicatedAirspeed: number;
  planeOnground: boolean;
  gearControl: boolean;
  lightStrobe: boolean;
  lightLanding: boolean;
  enginesCount: number;
  engine1On: boolean;
  engine2On: boolean;
  engine3On: boolean;
  engine4On: boolean;
  pauseFlag: boolean;
  isInMenu: boolean;
  fuelTotalQuantityWeight: number;
  zeroWeightPlusPayload: number;
  latitude: number;
  longitude: number;
  heading: number;
  [further: string]: unknown;
}

/** One contact with the runway. */
export interface BounceData {
  verticalSpeed: number;
  timestamp: number;
  [further: string]: unknown;
}

/** The aircraft at one moment of its approach. */
export interface CapturePoint {
  timestamp: number;
  altitudeAgl: number;
  verticalSpeed: number;
  indicatedAirspeed: number;
  [further: string]: unknown;
}

export interface LandingReport {
  /** Feet a minute; negative. */
  landingRate: number;
  bounceCount: number;
  touchdowns: BounceData[];
  approachData: CapturePoint[];
  timestamp: number;
  [further: string]: unknown;
}

/** What `useLandingAnalysis` gives: the report, with empty values before the first landing. */
export interface LandingAnalysis {
  landingRate: number | null;
  bounceCount: number;
  touchdowns: BounceData[];
  isOnGround: boolean;
  approachData: CapturePoint[];
  landingAnalysis: unknown;
}

export type ToastKind = "success" | "error" | "info" | "warning";

export interface ToastOptions {
  type?: ToastKind;
  title?: string;
  message: string;
  description?: string;
  durationMs?: number;
}

/** Messages and sounds, fire and forget: nothing is awaited, nothing throws because nobody shows them. */
export interface Notifier {
  toast(toast: ToastOptions): void;
  toast(message: string, more?: Omit<ToastOptions, "message">): void;
  /** One of the host's own sounds. */
  playSound(name: string): void;
  /** A file of the plugin below `assets/`: `assets/audio/ding.mp3`. */
  playCustomSound(pathInPlugin: string): void;
}

export interface DialogOptions {
  title?: string;
  message: string;
  /** How long it stays open, in milliseconds: five minutes unless said, an hour at most. */
  timeoutMs?: number;
}

export interface ConfirmOptions extends DialogOptions {
  confirmLabel?: string;
  cancelLabel?: string;
}

/** Modal, one at a time. Never throws: cancelled, timed out, not shown, or the plugin stopped, is no answer. */
export interface DialogOpener {
  alert(dialog: DialogOptions): Promise<void>;
  /** False for everything but a yes. */
  confirm(dialog: ConfirmOptions): Promise<boolean>;
}

interface PromptOptions {
  title: string;
  label: string;
  required?: boolean;
  timeoutMs?: number;
}

export interface TextPrompt extends PromptOptions {
  placeholder?: string;
}

export interface NumberPrompt extends PromptOptions {
  placeholder?: string;
  min?: number;
  max?: number;
}

export interface SelectPrompt<Value extends string = string> extends PromptOptions {
  options: readonly { value: Value; label: string }[];
}

/** Questions to the user. Never throws: null for everything but an answer. */
export interface PromptOpener {
  text(prompt: TextPrompt): Promise<string | null>;
  number(prompt: NumberPrompt): Promise<number | null>;
  select<Value extends string = string>(prompt: SelectPrompt<Value>): Promise<Value | null>;
}

export interface Indicator {
  type: "notification" | "warning";
  tooltip?: string;
  /** Goes away when the plugin's page is opened. */
  dismissOnOpen?: boolean;
}

/** The plugin's own place in the host's sidebar. */
export interface PluginFace {
  setIndicator(indicator: Indicator): void;
  clearIndicator(): void;
}

/** The shell's events by their names: `flight:phase`, `flight:event`, `simulator:data`, `pirep:filing`. */
export interface ShellSocket {
  // `any`: an author types the payload as he knows it.
  on(event: string, listener: (payload: any) => void): ShellSocket;
  off(event: string, listener?: (payload: any) => void): ShellSocket;
}

/** The service `flight`, as its provider offers it: `ctx.service<FlightService>("flight")`. */
export interface FlightService {
  methods: {
    getState(): FlightManagerPayload;
    getSnapshot(): SimDataSnapshot | null;
    getPhase(): FlightPhaseSnapshot;
    getLandingReport(): LandingReport | null;
    /** The log of the flight that is under way. */
    "log.list"(): FlightLogEvent[];
    "log.add"(entry: FlightLogEntry): FlightLogEvent | null;
    "log.update"(change: { eventId: string; message?: string }): FlightLogEvent | null;
    "log.remove"(which: { eventId: string }): boolean;
    /** Asks the start guards first; rejects with the reason of one that forbids. */
    startFlight(plan?: FlightPlan): void;
    pauseFlight(): void;
    resumeFlight(): void;
    endFlight(): void;
    recoverFlight(): void;
    dismissRecovery(): void;
  };
  events: {
    phase: FlightPhaseSnapshot;
    update: FlightManagerPayload;
    simData: SimDataSnapshot;
    landing: LandingReport;
    /** A new or changed entry of the flight's log. */
    event: FlightLogEvent;
    /** The whole log, after each change of it. */
    log: FlightLogEvent[];
    pirepFiling: unknown;
    /** Asked of each consumer before a flight starts. */
    startGuard: FlightPlan;
  };
}
