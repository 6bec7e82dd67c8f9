//! The flight strip: the phases of the flight, its values, its landing and its log, by the hooks that every plugin has.

import { Badge, Button, Card, CardContent, CardHeader, CardTitle, useFlightEvents, useLandingAnalysis, useTrackingSession } from "@outboard/shell";
import { useState } from "react";
import { Phases } from "./phases.js";
import "./strip.css";
import { Values } from "./values.js";

/** As many entries of the log are shown: the newest. */
const SHOWN = 12;

const words = (phase: string): string => phase.replaceAll("_", " ");

export default function FlightStrip() {
  const session = useTrackingSession();
  const { currentFlight: flight, phase } = session;
  if (session.isLoading) return <p className="strip-note text-text-muted">Waiting for a flight…</p>;
  return (
    <main className="strip text-foreground">
      <header className="strip-head">
        <h1>{flight ? (flight.flightPlan.callsign ?? "Flight") : "No flight"}</h1>
        {flight && (
          <span className="text-text-muted">
            {flight.flightPlan.departureIcao} → {flight.flightPlan.arrivalIcao}
          </span>
        )}
        <Badge data-testid="phase">{session.isPaused ? "paused" : words(phase)}</Badge>
        <span className="text-text-muted" data-testid="elapsed">
          {clock(session.elapsedTime)}
        </span>
        <Actions session={session} />
      </header>
      <Phases current={phase} />
      <Values />
      <div className="strip-columns">
        <Landing />
        <Log />
      </div>
    </main>
  );
}

const clock = (seconds: number): string => `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;

function Actions({ session }: { session: ReturnType<typeof useTrackingSession> }) {
  const [refusal, setRefusal] = useState<string>();
  const [busy, setBusy] = useState(false);
  const act = (what: () => Promise<void>) => async () => {
    setBusy(true);
    setRefusal(undefined);
    await what().catch((error: Error) => setRefusal(error.message));
    setBusy(false);
  };
  const pending = session.pendingRecovery !== null && !session.isTracking;
  return (
    <div className="strip-actions">
      {!session.isTracking && (
        <Button disabled={busy} onClick={act(() => session.startFlight())}>
          Start
        </Button>
      )}
      {pending && (
        <Button variant="outline" disabled={busy} onClick={act(session.recoverFlight)}>
          Recover
        </Button>
      )}
      {pending && (
        <Button variant="outline" disabled={busy} onClick={act(session.dismissRecovery)}>
          Dismiss
        </Button>
      )}
      {session.isTracking && (
        <Button variant="outline" disabled={busy} onClick={act(session.isPaused ? session.resumeFlight : session.pauseFlight)}>
          {session.isPaused ? "Resume" : "Pause"}
        </Button>
      )}
      {session.isTracking && (
        <Button variant="outline" disabled={busy} onClick={act(session.endFlight)}>
          End
        </Button>
      )}
      {refusal && <p role="alert">{refusal}</p>}
    </div>
  );
}

function Landing() {
  const { landingRate, bounceCount, touchdowns } = useLandingAnalysis();
  return (
    <Card>
      <CardHeader>
        <CardTitle>Landing</CardTitle>
      </CardHeader>
      <CardContent>
        {landingRate === null ? (
          <p className="text-text-muted">Not yet.</p>
        ) : (
          <>
            <p className="strip-rate" data-testid="landing">
              {landingRate} ft/min
            </p>
            <p className="text-text-muted">
              {bounceCount === 0 ? "no bounce" : `${bounceCount} ${bounceCount === 1 ? "bounce" : "bounces"}: ${touchdowns.map(({ verticalSpeed }) => verticalSpeed).join(", ")}`}
            </p>
          </>
        )}
      </CardContent>
    </Card>
  );
}

function Log() {
  const { events } = useFlightEvents();
  return (
    <Card>
      <CardHeader>
        <CardTitle>Log</CardTitle>
      </CardHeader>
      <CardContent>
        {events.length === 0 && <p className="text-text-muted">Empty.</p>}
        <ol className="strip-log" data-testid="log">
          {events
            .slice(-SHOWN)
            .reverse()
            .map((event) => (
              <li key={event.eventId}>
                <time className="text-text-muted" dateTime={event.eventTimestamp}>
                  {clock(event.eventElapsedTime)}
                </time>
                <span>{event.message}</span>
              </li>
            ))}
        </ol>
      </CardContent>
    </Card>
  );
}
