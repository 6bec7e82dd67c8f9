//! A plugin's icon, light or dark as the browser is set; its first letter where it has none. Over it, its badge.

import { useState, type ReactNode } from "react";
import type { ShownPlugin } from "./line.js";
import type { Badge } from "./plugins.js";

/** The icon. What the badge says is said by whoever shows it. */
export function Icon({ plugin, badge }: { plugin: ShownPlugin; badge?: Badge | undefined }): ReactNode {
  const { id, name, origin, iconLight, iconDark } = plugin;
  const [failed, setFailed] = useState("");
  const at = (icon: string): string => `${origin}/_outboard/plugins/${encodeURIComponent(id)}/${icon.split("/").map(encodeURIComponent).join("/")}`;
  const light = iconLight ?? iconDark;
  return (
    <span className="desk-icon" aria-hidden="true">
      {light && failed !== at(light) ? (
        <picture>
          {iconDark && <source media="(prefers-color-scheme: dark)" srcSet={at(iconDark)} />}
          <img src={at(light)} alt="" width="24" height="24" onError={() => setFailed(at(light))} />
        </picture>
      ) : (
        <span className="desk-letter">{[...name.trim()][0]?.toUpperCase() ?? "?"}</span>
      )}
      {badge && <span className="desk-dot" data-kind={badge.kind}>{badge.kind === "notification" ? "" : "!"}</span>}
    </span>
  );
}
