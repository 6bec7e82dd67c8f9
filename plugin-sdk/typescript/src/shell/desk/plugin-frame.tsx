//! The chosen plugin's UI, in a frame of its own origin, and what frame and page say to each other: held to this one window and this one
//! origin. Must not know what else the page shows.

import { useEffect, useRef, useState, type ReactNode } from "react";
import { Button } from "../../ui/components/button.js";
import { Notice } from "../notice.js";
import { readInPage, type ToFrame } from "../messages.js";
import { go, isSame, placeOf } from "./address.js";
import type { ShownPlugin } from "./line.js";
import { tell } from "./tell.js";

const SHELL = "/_outboard/shell/";
/** How long a UI's page may take before the page says that it does not come. */
const LOADS_MS = 10_000;
/** Everything that a page in a tab may do, but for sending the operator's page elsewhere. */
const SANDBOX = "allow-scripts allow-same-origin allow-forms allow-popups allow-popups-to-escape-sandbox allow-downloads allow-modals allow-pointer-lock";
const ALLOW = "autoplay; clipboard-write; fullscreen; gamepad";

/** Where a plugin's page is by itself. */
export const alone = ({ origin, id }: ShownPlugin, path = "/"): string => `${origin}${SHELL}${encodeURIComponent(id)}${path === "/" ? "" : `#${path}`}`;

interface PluginFrameProps {
  plugin: ShownPlugin;
  /** The path of the UI that the address names. */
  path: string;
  /** Whether the keyboard goes into the frame as soon as there is something in it. */
  takesFocus: boolean;
  /** The keyboard leaves the frame. */
  onLeave(): void;
  /** The UI sends the page somewhere. */
  onSent(): void;
}

/** The frame. Another plugin is another frame: give it the plugin's id as its key. */
export function PluginFrame({ plugin, path, takesFocus, onLeave, onSent }: PluginFrameProps): ReactNode {
  const frame = useRef<HTMLIFrameElement>(null);
  const [attempt, setAttempt] = useState(0);
  const [how, setHow] = useState<"loading" | "here" | "late">("loading");
  // The path at which the frame is; what the address says besides is said to it.
  const at = useRef(path);
  const here = useRef(false);
  const [first, setFirst] = useState(path);
  const origin = new URL(plugin.origin || "/", location.href).origin;
  const say = (message: ToFrame): void => frame.current?.contentWindow?.postMessage(message, origin);

  useEffect(() => {
    const late = setTimeout(() => setHow((how) => (how === "loading" ? "late" : how)), LOADS_MS);
    return () => clearTimeout(late);
  }, [attempt]);

  useEffect(() => {
    const hear = ({ source, origin: from, data }: MessageEvent): void => {
      if (source !== frame.current?.contentWindow || from !== origin) return;
      const said = readInPage(data);
      switch (said?.outboard) {
        case "here":
          here.current = true;
          setHow("here");
          // While it loaded, the address may have become another one.
          if (said.path !== at.current) say({ outboard: "path", path: at.current });
          if (takesFocus) frame.current?.focus();
          return;
        case "path":
          at.current = said.path;
          return go({ kind: "ui", plugin: plugin.id, path: said.path }, { replace: said.replace });
        case "navigate":
          onSent();
          return go(said.plugin === null ? (placeOf(said.path) ?? { kind: "list" }) : { kind: "ui", plugin: said.plugin, path: said.path });
        case "toast":
          return tell(plugin.id, said.kind, said.text);
        case "leave":
          return onLeave();
      }
    };
    window.addEventListener("message", hear);
    return () => window.removeEventListener("message", hear);
  });

  useEffect(() => {
    // What the UI itself has said is in the address already, or does not fit into it.
    if (isSame({ kind: "ui", plugin: plugin.id, path: at.current }, { kind: "ui", plugin: plugin.id, path })) return;
    at.current = path;
    if (here.current) say({ outboard: "path", path });
  }, [path]);

  const again = (): void => {
    here.current = false;
    setFirst(at.current);
    setHow("loading");
    setAttempt(attempt + 1);
  };
  return (
    <div className="desk-frame" data-how={how} aria-busy={how === "loading"}>
      {how === "loading" && <p className="desk-loading" role="status"><span className="desk-spinner" aria-hidden="true" /> Loading {plugin.name}…</p>}
      {how === "late" && (
        <div className="desk-late">
          <Notice kind="error" text={`The page of ${plugin.name} does not answer. Its address is ${alone(plugin)}: this browser has to reach it, and your network has to lead it to Outboard.`}>
            <Button variant="outline" size="sm" onClick={again}>Try again</Button>
          </Notice>
        </div>
      )}
      <iframe
        key={attempt}
        ref={frame}
        id="desk-frame"
        title={plugin.name}
        src={alone(plugin, first)}
        sandbox={SANDBOX}
        allow={ALLOW}
        onLoad={() => say({ outboard: "welcome" })}
      />
    </div>
  );
}
