//! The operator's page: the application with its sidebar, and what the page does for plugins where no host application does. It provides
//! `notify`, `dialog`, `prompt` and `plugin`; the supervisor asks it only while nobody else provides them.

import { createRoot } from "react-dom/client";
import { Toaster } from "sonner";
import type { ToastKind } from "../messages.js";
import { followTheme } from "../theme.js";
import { Application } from "./application.js";
import { placeOf } from "./address.js";
import { join, type Asked, type Methods } from "./line.js";
import { hearer, pluginOf, showIndicator, type Indicator } from "./plugins.js";
import { Questions, ask, type Question } from "./questions.js";
import { playFile, playSound } from "./sounds.js";
import { tell } from "./tell.js";

const text = (value: unknown, otherwise = ""): string => (typeof value === "string" ? value : otherwise);
const KINDS: readonly string[] = ["success", "error", "warning", "info"];

const notify: Methods = {
  toast({ caller, params }) {
    const kind = KINDS.includes(text(params["type"])) ? (params["type"] as ToastKind) : "info";
    const { durationMs } = params;
    tell(caller, kind, text(params["message"]), { title: text(params["title"]), description: text(params["description"]), ...(typeof durationMs === "number" ? { durationMs } : {}) });
  },
  playSound: ({ params }) => playSound(text(params["sound"])),
  playCustomSound: ({ caller, params }) => playFile(pluginOf(caller)?.origin ?? "", caller, text(params["path"])),
};

/** A question of this kind, with what is given when nobody answers. */
const question = (kind: Question["kind"], empty: unknown) => ({ caller, params, signal }: Asked): Promise<unknown> =>
  ask({ ...(params as object), kind, caller: pluginOf(caller)?.name ?? caller, title: text(params["title"], caller) }, empty, signal);

/** Whether the plugin is the one that is looked at. */
const isOpen = (id: string): boolean => {
  const place = placeOf(location.href);
  return place?.kind === "ui" && place.plugin === id;
};

const dialog: Methods = { alert: question("alert", null), confirm: question("confirm", false) };
const prompt: Methods = { text: question("text", null), number: question("number", null), select: question("select", null) };
const plugin: Methods = {
  setIndicator({ caller, params }) {
    const indicator = params as unknown as Indicator;
    showIndicator(caller, indicator.dismissOnOpen && isOpen(caller) ? null : indicator);
  },
  clearIndicator: ({ caller }) => showIndicator(caller, null),
};

const place = document.getElementById("desk");
if (place) {
  followTheme(window);
  createRoot(place).render(
    <>
      <Application version={place.dataset["version"] ?? ""} shared={place.dataset["shared"] === "true"} />
      <Toaster closeButton richColors theme="system" />
      <Questions />
    </>,
  );
  join(`${location.origin.replace(/^http/, "ws")}/_outboard/bus`, { notify, dialog, prompt, plugin }, hearer);
}
