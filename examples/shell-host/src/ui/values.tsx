//! The simulator's values, as they come. In a component of its own, so that nothing else is drawn twenty times a second.

import { useShellConfig, useSimData } from "@outboard/shell";

/** Kilograms in a pound. */
const KG = 0.45359237;

export function Values() {
  const { data } = useSimData({ select: (snapshot) => snapshot.data });
  const inKilograms = useShellConfig().get("weightUnit", "kg") === "kg";
  if (!data) return <p className="text-text-muted">The simulator has not said anything yet.</p>;
  const fuel = data.fuelTotalQuantityWeight * (inKilograms ? KG : 1);
  const values: [string, number, string][] = [
    ["Altitude", data.altitude, "ft"],
    ["Speed", data.indicatedAirspeed, "kt"],
    ["Ground speed", data.groundSpeed, "kt"],
    ["Climb", data.verticalSpeed, "ft/min"],
    ["Heading", data.heading, "°"],
    ["Fuel", fuel, inKilograms ? "kg" : "lb"],
  ];
  return (
    <dl className="strip-values">
      {values.map(([name, value, unit]) => (
        <div key={name} className="border-border">
          <dt className="text-text-muted">{name}</dt>
          <dd data-testid={name}>
            {Math.round(value).toLocaleString("en")} <small className="text-text-muted">{unit}</small>
          </dd>
        </div>
      ))}
    </dl>
  );
}
