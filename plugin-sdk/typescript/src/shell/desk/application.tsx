//! The operator's page as people see it: a sidebar with every plugin, and beside it what the address names. On a narrow screen the sidebar
//! is a drawer. Must not know how plugins are heard of.

import { useEffect, useRef, useState, type MouseEvent, type ReactNode } from "react";
import { Button } from "../../ui/components/button.js";
import { Notice } from "../notice.js";
import { placeOf, useAddress } from "./address.js";
import { List } from "./list.js";
import { opened, useKnown } from "./plugins.js";
import { Sidebar } from "./sidebar.js";
import { View } from "./view.js";

/** What the gateway wrote into the page. */
interface ApplicationProps {
  version: string;
  /** Whether all plugins' pages are at one origin. */
  shared: boolean;
}

/** The whole page. */
export function Application({ version, shared }: ApplicationProps): ReactNode {
  const known = useKnown();
  const place = placeOf(useAddress()) ?? { kind: "list" };
  const [drawer, setDrawer] = useState(false);
  const sidebar = useRef<HTMLElement>(null);
  const menu = useRef<HTMLButtonElement>(null);
  const main = useRef<HTMLElement>(null);
  // Whether a UI sent the page here: the keyboard was in its frame, and goes on where it leads.
  const sent = useRef(false);
  const shown = place.kind === "list" ? null : place.plugin;
  const plugin = known.plugins?.find(({ id }) => id === shown);
  const name = plugin?.name ?? shown;

  useEffect(() => {
    document.title = name ? `${place.kind === "settings" ? "Settings of " : ""}${name} – Outboard` : "Outboard";
  }, [name, place.kind]);
  useEffect(() => {
    setDrawer(false);
    if (sent.current && place.kind !== "ui") main.current?.focus();
  }, [shown, place.kind]);
  const indicator = shown ? known.indicators[shown] : undefined;
  useEffect(() => {
    if (shown && place.kind === "ui") opened(shown);
  }, [shown, place.kind, indicator]);
  useEffect(() => {
    if (drawer) (sidebar.current?.querySelector<HTMLElement>("[aria-current]") ?? sidebar.current?.querySelector("a"))?.focus();
  }, [drawer]);

  const close = (): void => {
    setDrawer(false);
    menu.current?.focus();
  };
  const toSidebar = (): void => {
    const current = sidebar.current?.querySelector<HTMLElement>("[aria-current=page]");
    // In a drawer that is closed nothing can have the keyboard.
    if (current?.checkVisibility?.({ visibilityProperty: true }) !== false) current?.focus();
    else menu.current?.focus();
  };
  const skip = (event: MouseEvent): void => {
    event.preventDefault();
    (document.getElementById("desk-frame") ?? main.current)?.focus();
  };

  return (
    <div className="desk" data-drawer={drawer}>
      <a className="desk-skip" href="#desk-main" onClick={skip}>Skip to {name ?? "the plugins"}</a>
      <header className="desk-bar">
        <Button ref={menu} variant="ghost" size="icon" aria-label="Plugins" aria-expanded={drawer} aria-controls="desk-sidebar" onClick={() => setDrawer(!drawer)}>
          <svg viewBox="0 0 20 20" width="20" height="20" aria-hidden="true"><path d="M3 5h14M3 10h14M3 15h14" stroke="currentColor" strokeWidth="1.75" strokeLinecap="round" /></svg>
        </Button>
        <span className="desk-bar-name">{name ?? "Outboard"}</span>
      </header>
      <Sidebar ref={sidebar} known={known} place={place} version={version} onKeyDown={(event) => drawer && event.key === "Escape" && close()} onChosen={() => drawer && setDrawer(false)} />
      {drawer && <div className="desk-veil" onClick={close} />}
      <main ref={main} id="desk-main" className="desk-main" tabIndex={-1} inert={drawer}>
        {!known.reached && <div className="desk-told"><Notice kind="wait" text="Outboard is not reached at this moment; connecting again…" /></div>}
        {place.kind === "list" ? (
          <List known={known} shared={shared} />
        ) : (
          <View key={`${place.kind} ${place.plugin}`} place={place} known={known} sent={sent} onLeave={toSidebar} />
        )}
      </main>
    </div>
  );
}
