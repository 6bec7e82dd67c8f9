//! The words of the flight services: which phases a flight has, and which kinds of events. Both halves of a plugin import them.

/** Kinds of events in a flight's log. */
export const EventCategory = {
  SYSTEM: "system",
  PHASE: "phase",
  CONTROLS: "controls",
  WARNING: "warning",
  LANDING: "landing",
} as const;
export type EventCategory = (typeof EventCategory)[keyof typeof EventCategory];

/** Phases of a flight, in the order of an uneventful one. */
export const FlightPhase = {
  UNKNOWN: "unknown",
  BOARDING: "boarding",
  PUSH_BACK: "push_back",
  TAXI: "taxi",
  TAKE_OFF: "take_off",
  REJECTED_TAKE_OFF: "rejected_take_off",
  CLIMB: "climb",
  CRUISE: "cruise",
  DESCENT: "descent",
  APPROACH: "approach",
  FINAL: "final",
  LANDED: "landed",
  GO_AROUND: "go_around",
  TAXI_IN: "taxi_in",
  ARRIVED: "arrived",
  DEBOARDING: "deboarding",
} as const;
export type FlightPhase = (typeof FlightPhase)[keyof typeof FlightPhase];
