//! The phases of an uneventful flight in a row, with the one that it is in. What is not among them stands in the strip's head.

const PHASES = ["boarding", "push_back", "taxi", "take_off", "climb", "cruise", "descent", "approach", "final", "landed", "taxi_in", "arrived", "deboarding"];

export function Phases({ current }: { current: string }) {
  const at = PHASES.indexOf(current);
  return (
    <ol className="strip-phases" aria-label="Phases of the flight">
      {PHASES.map((phase, place) => (
        <li key={phase} aria-current={place === at ? "step" : undefined} className={place < at ? "strip-past text-text-muted" : place === at ? "bg-primary text-primary-foreground" : "text-text-muted"}>
          {phase.replaceAll("_", " ")}
        </li>
      ))}
    </ol>
  );
}
