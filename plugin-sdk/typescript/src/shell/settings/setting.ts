//! What the form knows of one setting: the declaration in a plugin's `plugin.json`, its choices, and whether a value is one that it takes.
//! The supervisor checks again; what is said here is said before anything is sent.

/** A declared setting. */
export interface Setting {
  key: string;
  name?: string;
  description?: string;
  type: "boolean" | "text" | "longtext" | "number" | "range" | "list" | "radio" | "date" | "json";
  scope?: "user" | "airline";
  default?: unknown;
  min?: number;
  max?: number;
  step?: number;
  options?: unknown[];
  pattern?: string;
}

/** A choice of a list: its value, and what people see. */
export interface Choice {
  value: unknown;
  label: string;
}

/** The choices of a list. An option is a value, or an object with a value and perhaps a label. */
export function choicesOf({ options = [] }: Setting): Choice[] {
  return options.map((option) => {
    if (typeof option !== "object" || option === null || !("value" in option)) return { value: option, label: String(option) };
    const { value, label, name } = option as { value: unknown; label?: unknown; name?: unknown };
    return { value, label: String(label ?? name ?? value) };
  });
}

/** What a field gives in place of a value while its text is not JSON. */
export class NotJson {
  constructor(readonly fault: string) {}
}

/** What people see of a setting. */
export function titleOf({ name, key }: Setting): string {
  return name || key;
}

/** Whether two values are one and the same as JSON. */
export function same(one: unknown, other: unknown): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}

/** What is wrong with a value; `undefined` where it is right. */
export function fault(setting: Setting, value: unknown): string | undefined {
  switch (setting.type) {
    case "number":
    case "range":
      if (typeof value !== "number" || !Number.isFinite(value)) return "Enter a number.";
      if (setting.min !== undefined && value < setting.min) return `Enter ${setting.min} or more.`;
      if (setting.max !== undefined && value > setting.max) return `Enter ${setting.max} or less.`;
      return undefined;
    case "text":
    case "longtext":
      return typeof value === "string" && matches(setting.pattern, value) ? undefined : `The text has to match ${setting.pattern}.`;
    case "date":
      return typeof value === "string" && /^\d{4}-\d{2}-\d{2}/.test(value) ? undefined : "Choose a date.";
    case "list":
    case "radio":
      return choicesOf(setting).some((choice) => same(choice.value, value)) ? undefined : "Choose one.";
    case "json":
      return value instanceof NotJson ? value.fault : undefined;
    default:
      return undefined;
  }
}

/** A pattern that cannot be read binds nobody, as in the supervisor. */
function matches(pattern: string | undefined, text: string): boolean {
  if (!pattern) return true;
  try {
    return new RegExp(pattern, "u").test(text);
  } catch {
    return true;
  }
}
