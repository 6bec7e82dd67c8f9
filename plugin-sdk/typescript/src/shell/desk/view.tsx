//! One plugin: its UI in a frame, its settings, or what there is to say of one that has no UI or is not there.

import { useEffect, type ReactNode, type RefObject } from "react";
import { PluginShellProvider } from "../../ui/react.js";
import { Boundary } from "../boundary.js";
import { Notice } from "../notice.js";
import { SettingsPage } from "../settings/page.js";
import type { Place } from "./address.js";
import { Icon } from "./icon.js";
import type { ShownPlugin } from "./line.js";
import { PlaceLink } from "./link.js";
import { Facts, State } from "./list.js";
import { PluginFrame, alone } from "./plugin-frame.js";
import { badgeOf, type Known } from "./plugins.js";

interface ViewProps {
  place: Exclude<Place, { kind: "list" }>;
  known: Known;
  /** Whether a UI sent the page here. Whoever shows what it leads to takes it back. */
  sent: RefObject<boolean>;
  onLeave(): void;
}

/** The view. */
export function View({ place, known, sent, onLeave }: ViewProps): ReactNode {
  const plugin = known.plugins?.find(({ id }) => id === place.plugin);
  const takesFocus = sent.current;
  useEffect(() => {
    sent.current = false;
  }, [sent]);
  if (!known.plugins) return <p role="status" className="desk-loading"><span className="desk-spinner" aria-hidden="true" /> Connecting to Outboard…</p>;
  if (!plugin) return <div className="desk-page"><Notice kind="error" text={`There is no plugin “${place.plugin}”.`}><PlaceLink place={{ kind: "list" }}>All plugins</PlaceLink></Notice></div>;
  return (
    <div className="desk-view">
      <Head plugin={plugin} place={place} />
      {place.kind === "settings" ? (
        <div className="desk-page"><Settings plugin={plugin} /></div>
      ) : plugin.hasUi ? (
        <>
          {badgeOf(plugin, known)?.kind === "error" && <div className="desk-told"><Notice kind="error" text={`${plugin.name} is ${plugin.state}${plugin.cause ? `: ${plugin.cause}` : ""}`} /></div>}
          <PluginFrame key={plugin.id} plugin={plugin} path={place.path} takesFocus={takesFocus} onLeave={onLeave} onSent={() => (sent.current = true)} />
        </>
      ) : (
        <div className="desk-page"><WithoutUi plugin={plugin} /></div>
      )}
    </div>
  );
}

/** The plugin's name, and the ways from its UI to its settings and back. */
function Head({ plugin, place }: { plugin: ShownPlugin; place: ViewProps["place"] }): ReactNode {
  return (
    <header className="desk-head">
      <Icon plugin={plugin} />
      <h1>{plugin.name}</h1>
      <State plugin={plugin} />
      <span className="desk-ways">
        {place.kind === "settings" && <PlaceLink place={{ kind: "ui", plugin: plugin.id, path: "/" }}>{plugin.hasUi ? "Back to the UI" : "Back"}</PlaceLink>}
        {place.kind === "ui" && plugin.hasSettings && <PlaceLink place={{ kind: "settings", plugin: plugin.id }}>Settings</PlaceLink>}
        {place.kind === "ui" && plugin.hasUi && <a href={alone(plugin, place.path)} target="_blank" rel="noreferrer">Open alone</a>}
      </span>
    </header>
  );
}

function Settings({ plugin }: { plugin: ShownPlugin }): ReactNode {
  if (!plugin.hasSettings) return <Notice kind="wait" text={`${plugin.name} has nothing to set.`} />;
  return (
    <PluginShellProvider pluginId={plugin.id} fallback={<Notice kind="wait" text="Connecting to Outboard…" />}>
      <Boundary>
        <SettingsPage name={plugin.name} />
      </Boundary>
    </PluginShellProvider>
  );
}

function WithoutUi({ plugin }: { plugin: ShownPlugin }): ReactNode {
  const broken = plugin.state === "invalid" || plugin.state === "errored";
  return (
    <>
      <Notice kind={broken ? "error" : "wait"} text={broken ? `${plugin.name} is ${plugin.state}.` : `${plugin.name} has no UI: its folder holds no ui/index.js.`} />
      <Facts plugin={plugin} />
    </>
  );
}
