//! A plugin's settings as a form: every declared setting with its value, its rule, and a way back to its default. The settings page shows
//! it, and any other page may. Must not know where values are kept: it is given them, and says what to change.

import { useId, useState, type ReactNode } from "react";
import { Badge } from "../../ui/components/badge.js";
import { Button } from "../../ui/components/button.js";
import { Field } from "./field.js";
import { fault, same, titleOf, type Setting } from "./setting.js";

/** What the form shows, and who does what it says. Both reject with what is wrong. */
export interface SettingsFormProps {
  settings: readonly Setting[];
  /** The values as they are, defaults among them. */
  values: Readonly<Record<string, unknown>>;
  save(key: string, value: unknown): Promise<void>;
  reset(key: string): Promise<void>;
}

/** What one row says below its field. */
interface Said {
  text: string;
  wrong: boolean;
}

/** The form. What is changed is kept in it until it is saved. */
export function SettingsForm({ settings, values, save, reset }: SettingsFormProps): ReactNode {
  const [drafts, setDrafts] = useState<Record<string, unknown>>({});
  const [said, setSaid] = useState<Record<string, Said>>({});
  const [busy, setBusy] = useState(false);
  const changed = settings.filter(({ key }) => key in drafts && !same(drafts[key], values[key]));
  const say = (key: string, text: string, wrong: boolean): void => setSaid((all) => ({ ...all, [key]: { text, wrong } }));

  const change = (setting: Setting, value: unknown): void => {
    setDrafts((all) => ({ ...all, [setting.key]: value }));
    say(setting.key, fault(setting, value) ?? "", true);
  };
  const carryOut = async (key: string, act: () => Promise<void>, done: string): Promise<boolean> => {
    try {
      await act();
      setDrafts(({ [key]: _, ...rest }) => rest);
      say(key, done, false);
      return true;
    } catch (error) {
      say(key, (error as Error).message, true);
      return false;
    }
  };
  const saveAll = async (): Promise<void> => {
    setBusy(true);
    for (const setting of changed) {
      const wrong = fault(setting, drafts[setting.key]);
      if (wrong) say(setting.key, wrong, true);
      else await carryOut(setting.key, () => save(setting.key, drafts[setting.key]), "Saved.");
    }
    setBusy(false);
  };
  const faulty = changed.some((setting) => fault(setting, drafts[setting.key]));

  return (
    <form
      className="outboard-settings"
      noValidate
      onSubmit={(event) => {
        event.preventDefault();
        void saveAll();
      }}
    >
      {settings.map((setting) => {
        const { key } = setting;
        const current = key in drafts ? drafts[key] : values[key];
        return (
          <Row
            key={key}
            setting={setting}
            value={current}
            said={said[key]}
            busy={busy}
            standard={same(values[key], setting.default)}
            onChange={(value) => change(setting, value)}
            onReset={() => void carryOut(key, () => reset(key), setting.default === undefined ? "Cleared." : "Back to the default.")}
          />
        );
      })}
      <p className="outboard-settings-end">
        <Button type="submit" disabled={busy || changed.length === 0 || faulty}>
          Save
        </Button>
        <Button variant="ghost" disabled={busy || changed.length === 0} onClick={() => (setDrafts({}), setSaid({}))}>
          Undo changes
        </Button>
      </p>
    </form>
  );
}

interface RowProps {
  setting: Setting;
  value: unknown;
  said: Said | undefined;
  busy: boolean;
  /** Whether nobody set anything else than the default. */
  standard: boolean;
  onChange(value: unknown): void;
  onReset(): void;
}

function Row({ setting, value, said, busy, standard, onChange, onReset }: RowProps): ReactNode {
  const id = useId();
  const airline = setting.scope === "airline";
  const about = [setting.description && `${id}-about`, said?.text && `${id}-said`].filter(Boolean).join(" ") || undefined;
  const title = titleOf(setting);
  return (
    <div className="outboard-setting" data-key={setting.key}>
      <div className="outboard-setting-title">
        {setting.type === "radio" ? <span>{title}</span> : <label htmlFor={id}>{title}</label>} {airline && <Badge variant="outline">set by the airline</Badge>}
      </div>
      {setting.description && <p id={`${id}-about`} className="outboard-setting-about">{setting.description}</p>}
      <Field setting={setting} value={value} disabled={busy || airline} id={id} describedBy={about} invalid={said?.wrong === true && said.text !== ""} onChange={onChange} />
      {!airline && (
        // Keeps its place while it is hidden, so that nothing moves below a finger.
        <Button variant="link" size="sm" className="outboard-setting-reset" disabled={busy} style={{ visibility: standard ? "hidden" : "visible" }} aria-label={`Reset ${title}`} onClick={onReset}>
          Reset
        </Button>
      )}
      {said?.text && <p id={`${id}-said`} className={said.wrong ? "outboard-setting-wrong" : "outboard-setting-done"} role={said.wrong ? "alert" : "status"}>{said.text}</p>}
    </div>
  );
}
