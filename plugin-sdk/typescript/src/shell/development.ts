//! A plugin in the making: shows over the page what its author got wrong, and loads the page anew when its UI is another one. The page
//! begins it before anything of the plugin is loaded. Plain DOM, since React may be what is broken. Must not know who says it.

import { busOf } from "../ui/connect.js";

/** What is wrong, as the supervisor tells it. */
interface Fault {
  message: string;
  details?: string;
  file?: string;
  line?: number;
  column?: number;
  frame?: string;
}

const ID = "outboard-development";
const STYLE = `
#${ID} { position: fixed; inset: 0; z-index: 2147483647; overflow: auto; padding: 4vmin; background: rgb(0 0 0 / 70%); font: 14px/1.5 ui-sans-serif, system-ui, sans-serif; }
#${ID} > div { max-width: 60rem; margin: 0 auto; padding: 1.25rem; border-top: 4px solid #f05b5b; border-radius: 6px; background: #191919; color: #eee; }
#${ID} h2 { display: flex; justify-content: space-between; gap: 1rem; margin: 0 0 .75rem; font-size: 1rem; color: #ff8d8d; }
#${ID} p { margin: 0 0 .75rem; overflow-wrap: anywhere; white-space: pre-wrap; }
#${ID} .place { font-family: ui-monospace, monospace; color: #8ecbff; }
#${ID} pre { margin: 0 0 .75rem; padding: .75rem; overflow: auto; border-radius: 4px; background: #000; color: #eee; font: 13px/1.5 ui-monospace, monospace; }
#${ID} pre mark { background: #5a1a1a; color: #fff; }
#${ID} button { border: 1px solid #888; border-radius: 4px; padding: 0 .6rem; background: none; color: #eee; font: inherit; cursor: pointer; }
#${ID} button:focus-visible { outline: 2px solid #8ecbff; }`;

/** Listens from now on. */
export function watchDevelopment(plugin: string): void {
  busOf().subscribe(plugin, {
    connection() {},
    frame(frame) {
      if (frame.type !== "development") return;
      if (frame.reload) globalThis.location.reload();
      else if (frame.fault) show(frame.fault as Fault);
      else clear();
    },
  });
}

function clear(): void {
  document.getElementById(ID)?.remove();
}

function show({ message, details, file, line, column, frame }: Fault): void {
  clear();
  const overlay = element("div", { id: ID, role: "alertdialog" });
  overlay.setAttribute("aria-modal", "true");
  overlay.setAttribute("aria-labelledby", `${ID}-title`);
  const close = element("button", { type: "button", textContent: "Close" });
  close.addEventListener("click", clear);
  overlay.addEventListener("keydown", (event) => event.key === "Escape" && clear());
  const title = element("h2");
  title.append(element("span", { id: `${ID}-title`, textContent: "This plugin does not run" }), close);
  const panel = element("div");
  panel.append(title, element("p", { textContent: message }));
  if (file) panel.append(element("p", { className: "place", textContent: [file, line, column].filter((part) => part !== undefined).join(":") }));
  if (frame) panel.append(lines(frame));
  if (details) panel.append(element("pre", { textContent: details }));
  panel.append(element("p", { textContent: "The page comes back by itself when a save has mended it. Esc closes this." }));
  overlay.append(element("style", { textContent: STYLE }), panel);
  document.body.append(overlay);
  close.focus();
}

/** The lines around, the one that is meant marked. */
function lines(frame: string): HTMLElement {
  const pre = element("pre");
  for (const line of frame.split("\n")) pre.append(line.startsWith(">") ? element("mark", { textContent: line }) : line, "\n");
  return pre;
}

function element<Name extends keyof HTMLElementTagNameMap>(name: Name, members: Partial<HTMLElementTagNameMap[Name]> = {}): HTMLElementTagNameMap[Name] {
  return Object.assign(document.createElement(name), members);
}
