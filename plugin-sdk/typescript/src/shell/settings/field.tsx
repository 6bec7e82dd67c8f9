//! One setting's field, by its type. Gives values as they are kept, never their texts. Must not know where values are kept.

import { useState, type ReactNode } from "react";
import { NotJson, choicesOf, same, titleOf, type Setting } from "./setting.js";

/** What a field is given. */
export interface FieldProps {
  setting: Setting;
  /** The value; `undefined` where there is none yet. */
  value: unknown;
  disabled: boolean;
  /** Names the field's label; `describedBy` what is said about it. */
  id: string;
  describedBy: string | undefined;
  invalid: boolean;
  onChange(value: unknown): void;
}

/** The field of a setting. */
export function Field(props: FieldProps): ReactNode {
  const { setting, value, disabled, id, describedBy, invalid, onChange } = props;
  const common = { id, disabled, "aria-describedby": describedBy, "aria-invalid": invalid || undefined };
  const text = typeof value === "string" ? value : "";
  switch (setting.type) {
    case "boolean":
      return <input {...common} type="checkbox" role="switch" checked={value === true} onChange={(event) => onChange(event.target.checked)} />;
    case "text":
      return <input {...common} type="text" value={text} onChange={(event) => onChange(event.target.value)} />;
    case "longtext":
      return <textarea {...common} rows={4} value={text} onChange={(event) => onChange(event.target.value)} />;
    case "number":
      return <input {...common} type="number" value={typeof value === "number" ? value : ""} min={setting.min} max={setting.max} step={setting.step ?? "any"} onChange={(event) => onChange(event.target.value === "" ? undefined : event.target.valueAsNumber)} />;
    case "range":
      return <Range {...props} common={common} />;
    case "date":
      return <input {...common} type="date" value={text.slice(0, 10)} onChange={(event) => onChange(event.target.value || undefined)} />;
    case "list":
      return <List {...props} common={common} />;
    case "radio":
      return <Radio {...props} />;
    case "json":
      return <Json {...props} common={common} />;
  }
}

type Common = Record<string, unknown>;

function Range({ setting, value, common, onChange, id }: FieldProps & { common: Common }): ReactNode {
  const number = typeof value === "number" ? value : (setting.min ?? 0);
  return (
    <span className="outboard-range">
      <input {...common} type="range" value={number} min={setting.min ?? 0} max={setting.max ?? 100} step={setting.step ?? 1} onChange={(event) => onChange(event.target.valueAsNumber)} />
      <output htmlFor={id}>{typeof value === "number" ? value : "–"}</output>
    </span>
  );
}

function List({ setting, value, common, onChange }: FieldProps & { common: Common }): ReactNode {
  const choices = choicesOf(setting);
  const at = choices.findIndex((choice) => same(choice.value, value));
  return (
    <select {...common} value={at} onChange={(event) => onChange(choices[Number(event.target.value)]?.value)}>
      {at < 0 && <option value={-1}>Choose…</option>}
      {choices.map(({ label }, index) => <option key={index} value={index}>{label}</option>)}
    </select>
  );
}

function Radio({ setting, value, disabled, id, describedBy, onChange }: FieldProps): ReactNode {
  return (
    <span role="radiogroup" aria-label={titleOf(setting)} aria-describedby={describedBy} className="outboard-radio">
      {choicesOf(setting).map((choice, index) => (
        <label key={index}>
          <input type="radio" name={id} disabled={disabled} checked={same(choice.value, value)} onChange={() => onChange(choice.value)} /> {choice.label}
        </label>
      ))}
    </span>
  );
}

/** A text that is JSON. While it is not, it says so and cannot be saved; a value from elsewhere takes the text's place. */
function Json({ value, common, onChange }: FieldProps & { common: Common }): ReactNode {
  const written = value === undefined ? "" : JSON.stringify(value, null, 2);
  const [text, setText] = useState(written);
  const told = parsed(text);
  const stale = !(value instanceof NotJson) && !(told.fault === undefined && same(told.value, value));
  const shown = stale ? written : text;
  return (
    <textarea
      {...common}
      className="outboard-json"
      rows={Math.min(12, shown.split("\n").length + 1)}
      spellCheck={false}
      value={shown}
      onChange={({ target }) => {
        setText(target.value);
        const told = parsed(target.value);
        onChange(told.fault === undefined ? told.value : new NotJson(told.fault));
      }}
    />
  );
}

function parsed(text: string): { value?: unknown; fault?: string } {
  try {
    return { value: JSON.parse(text) as unknown };
  } catch (error) {
    return { fault: `This is not JSON: ${(error as Error).message}` };
  }
}
