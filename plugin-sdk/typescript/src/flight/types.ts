//! The shapes of the flight services, as the original shell's documentation names them. Both halves of a plugin use them.

import type { EventCategory, FlightPhase } from "./values.js";

/** Where a flight comes from and goes to. */
export interface FlightPlan {
  callsign?: string;
  departureIcao?: string;
  arrivalIcao?: string;
  source?: string;
  sourceId?: string;
  [member: string]: unknown;
}

/** The flight that is tracked. */
export interface CurrentFlight {
  flightPlan: FlightPlan;
  status: string;
  vaTrackingId: string | null;
  stratosFlightId: string | null;
  startedAt: string | number | null;
  currentPhase: FlightPhase;
  [member: string]: unknown;
}

/** What the flight manager says at each change. */
export interface FlightManagerPayload {
  flight: CurrentFlight | null;
  pendingRecovery: unknown;
  simDisconnected: boolean;
  reconnecting: boolean;
  timestamp: number;
}

/** The phase, and what it may become. */
export interface FlightPhaseSnapshot {
  currentPhase: FlightPhase;
  previousPhase: FlightPhase | null;
  pendingTransition: { phase: FlightPhase; elapsed: number; required: number } | null;
  trends: Record<string, unknown>;
  isTracking: boolean;
}

/** Values of the simulator by their names. Weights are in pounds; what a simulator does not have is not there. */
export interface FlightData {
  altitude?: number;
  altitudeAgl?: number;
  verticalSpeed?: number;
  groundSpeed?: number;
  indicatedAirspeed?: number;
  planeOnground?: boolean;
  gearControl?: number;
  lightStrobe?: boolean;
  lightLanding?: boolean;
  enginesCount?: number;
  engine1On?: boolean;
  engine2On?: boolean;
  engine3On?: boolean;
  engine4On?: boolean;
  pauseFlag?: boolean;
  isInMenu?: boolean;
  fuelTotalQuantityWeight?: number;
  zeroWeightPlusPayload?: number;
  latitude?: number;
  longitude?: number;
  heading?: number;
  [name: string]: any;
}

/** The simulator at one moment. */
export interface SimDataSnapshot {
  isConnected: boolean;
  simulatorType: string | null;
  data: FlightData | null;
}

/** A line of the flight's log. The documentation has two shapes; both sets of members are there. */
export interface FlightLogEvent {
  eventId: string;
  category: EventCategory;
  message: string;
  timestamp: number | string;
  phase?: FlightPhase;
  eventTimestamp?: number | string;
  eventElapsedTime?: number;
  eventCondition?: string;
  [member: string]: unknown;
}

/** One touch of the runway. */
export interface BounceData {
  landingRate?: number;
  [member: string]: unknown;
}

/** A point of the approach. */
export interface CapturePoint {
  [name: string]: unknown;
}

/** How a landing went. */
export interface LandingReport {
  landingRate: number | null;
  bounceCount: number;
  touchdowns: BounceData[];
  isOnGround: boolean;
  approachData: CapturePoint[];
  landingAnalysis: unknown;
}
