//! The sidebar: every plugin with its icon and badge, and the way to the list. Must not know what a plugin shows.

import type { KeyboardEvent, ReactNode, Ref } from "react";
import type { Place } from "./address.js";
import { Icon } from "./icon.js";
import { PlaceLink } from "./link.js";
import { badgeOf, type Known } from "./plugins.js";

interface SidebarProps {
  ref: Ref<HTMLElement>;
  known: Known;
  place: Place;
  version: string;
  onKeyDown(event: KeyboardEvent): void;
  onChosen(): void;
}

/** The sidebar. */
export function Sidebar({ ref, known, place, version, onKeyDown, onChosen }: SidebarProps): ReactNode {
  const shown = place.kind === "list" ? null : place.plugin;
  return (
    <nav ref={ref} id="desk-sidebar" className="desk-sidebar" aria-label="Plugins" onKeyDown={onKeyDown}>
      <PlaceLink className="desk-home" place={{ kind: "list" }} aria-current={place.kind === "list" ? "page" : undefined} onFollowed={onChosen}>
        <img src="/favicon.ico" alt="" width="24" height="24" />
        <span>Outboard</span>
      </PlaceLink>
      <ul>
        {known.plugins?.map((plugin) => {
          const badge = badgeOf(plugin, known);
          return (
            <li key={plugin.id} data-item={plugin.id}>
              <PlaceLink place={{ kind: "ui", plugin: plugin.id, path: "/" }} aria-current={plugin.id === shown ? "page" : undefined} title={badge?.text} aria-label={badge && `${plugin.name}, ${badge.text}`} onFollowed={onChosen}>
                <Icon plugin={plugin} badge={badge} />
                <span className="desk-name">{plugin.name}</span>
              </PlaceLink>
            </li>
          );
        })}
      </ul>
      {version && <small className="desk-version">Version {version}</small>}
    </nav>
  );
}
