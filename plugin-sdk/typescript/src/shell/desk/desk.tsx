//! The desk: what the operator's page does for plugins where no host application does. It provides `notify`, `dialog`, `prompt` and
//! `plugin`; the supervisor asks it only while nobody else provides them.

import { createRoot } from "react-dom/client";
import { Toaster, toast } from "sonner";
import { showIndicator, type Indicator } from "./indicators.js";
import { provide, type Asked, type Methods } from "./provider.js";
import { Questions, ask, type Question } from "./questions.js";
import { playSound } from "./sounds.js";

const text = (value: unknown, otherwise = ""): string => (typeof value === "string" ? value : otherwise);

const notify: Methods = {
  toast({ caller, params }) {
    const kind = text(params["type"], "info");
    const show = kind === "success" || kind === "error" || kind === "warning" ? toast[kind] : toast.info;
    show(text(params["title"]) || text(params["message"]), { description: params["title"] ? text(params["message"]) : caller });
  },
  playSound: ({ params }) => playSound(text(params["sound"])),
};

/** A question of this kind, with what is given when nobody answers. */
const question = (kind: Question["kind"], empty: unknown) => ({ caller, params, signal }: Asked): Promise<unknown> =>
  ask({ ...(params as object), kind, caller, title: text(params["title"], caller) }, empty, signal);

const dialog: Methods = { alert: question("alert", null), confirm: question("confirm", false) };
const prompt: Methods = { text: question("text", null), number: question("number", null), select: question("select", null) };
const plugin: Methods = {
  setIndicator: ({ caller, params }) => showIndicator(document, caller, params as unknown as Indicator),
  clearIndicator: ({ caller }) => showIndicator(document, caller, null),
};

const place = document.getElementById("desk");
if (place) {
  createRoot(place).render(
    <>
      <Toaster closeButton richColors theme="system" />
      <Questions />
    </>,
  );
  provide(`${location.origin.replace(/^http/, "ws")}/_outboard/bus`, { notify, dialog, prompt, plugin });
}
