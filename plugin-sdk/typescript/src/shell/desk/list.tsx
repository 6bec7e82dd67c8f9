//! The list of all plugins: how each is, why, where it answers. What the page shows at first.

import type { ReactNode } from "react";
import { Badge } from "../../ui/components/badge.js";
import { Notice } from "../notice.js";
import { Icon } from "./icon.js";
import type { ShownPlugin } from "./line.js";
import { PlaceLink } from "./link.js";
import { badgeOf, type Known } from "./plugins.js";

/** The list. */
export function List({ known, shared }: { known: Known; shared: boolean }): ReactNode {
  return (
    <div className="desk-page">
      <h1>Outboard</h1>
      {shared && <Notice kind="wait" text="Every plugin’s pages share one origin here (isolate_origins = false): a page of any plugin reaches all the others, and this page." />}
      {known.plugins === undefined && <p role="status" className="desk-loading"><span className="desk-spinner" aria-hidden="true" /> Asking which plugins there are…</p>}
      {known.plugins?.length === 0 && (
        <div className="desk-empty">
          <p>There are no plugins yet.</p>
          <p>Put a folder with a <code>plugin.json</code> into a plugin folder, and it appears here by itself. <code>outboard new</code> makes one.</p>
        </div>
      )}
      {!!known.plugins?.length && <ul className="desk-list">{known.plugins.map((plugin) => <Row key={plugin.id} plugin={plugin} known={known} />)}</ul>}
    </div>
  );
}

function Row({ plugin, known }: { plugin: ShownPlugin; known: Known }): ReactNode {
  const { id, name, version, hasSettings } = plugin;
  const badge = badgeOf(plugin, known);
  return (
    <li data-plugin={id}>
      <div className="desk-row-head">
        <Icon plugin={plugin} />
        <div className="desk-who">
          <PlaceLink place={{ kind: "ui", plugin: id, path: "/" }} className="desk-title">{name}</PlaceLink>
          <small>{id} {version}</small>
        </div>
        {badge && badge.kind !== "error" && <Badge variant={badge.kind === "warning" ? "warning" : "default"}>{badge.text}</Badge>}
        <State plugin={plugin} />
        {hasSettings && <PlaceLink place={{ kind: "settings", plugin: id }} className="desk-settings" aria-label={`Settings of ${name}`}>Settings</PlaceLink>}
      </div>
      <Facts plugin={plugin} />
    </li>
  );
}

/** The state in a word. */
export function State({ plugin: { state } }: { plugin: ShownPlugin }): ReactNode {
  const variant = state === "running" || state === "ui-only" ? "success" : state === "errored" || state === "invalid" || state === "backing-off" ? "destructive" : "secondary";
  return <Badge variant={variant} className={`desk-state ${state}`}>{state}</Badge>;
}

/** Why it is so, and where it answers. */
export function Facts({ plugin: { state, cause, routes, origin } }: { plugin: ShownPlugin }): ReactNode {
  return (
    <>
      {cause && state !== "ui-only" && <p className="desk-cause">{cause}</p>}
      {routes.length > 0 && (
        <p className="desk-routes">
          answers at {routes.map((route) => <a key={route} href={`${origin}${route}/`}>{route}</a>)}
        </p>
      )}
    </>
  );
}
