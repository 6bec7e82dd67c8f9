//! A plugin's page while the operator's page holds it in a frame: the one end of what both say. Until it is welcomed it is a page of its
//! own. The shell page makes one before any of the plugin's code runs. Must not know what the other page does.

import { readInFrame, type ToPage } from "./messages.js";

/** The end in the frame. */
export interface Held {
  /** Whether the operator's page holds this one. */
  readonly is: boolean;
  /** Says something to it; nothing where nobody holds this page. */
  tell(message: ToPage): void;
}

/** The path of a UI's own, which stands behind the # of its address. */
export const pathOf = (page: Window): string => {
  const path = page.location.hash.replace(/^#/, "");
  return path.startsWith("/") ? path : "/";
};

/** Listens for the page at `home`, and keeps it told of where the UI is. */
export function beHeld(page: Window & typeof globalThis, home: string): Held {
  let held = false;
  let told = "";
  const tell = (message: ToPage): void => {
    if (held) page.parent.postMessage(message, home);
  };
  const tellPath = (replace: boolean): void => {
    const path = pathOf(page);
    if (path === told) return;
    told = path;
    tell({ outboard: "path", path, replace });
  };
  if (page.parent === page) return { is: false, tell };

  page.addEventListener("message", ({ source, origin, data }) => {
    if (source !== page.parent || origin !== home) return;
    const said = readInFrame(data);
    if (said?.outboard === "welcome") {
      held = true;
      told = pathOf(page);
      tell({ outboard: "here", path: told });
    } else if (said?.outboard === "path" && said.path !== pathOf(page)) {
      told = said.path;
      page.location.replace(`#${said.path}`);
    }
  });
  // Whether the next path is a new one of the history, though the frame only replaces its own.
  let adds = false;
  page.addEventListener("hashchange", () => {
    tellPath(!adds);
    adds = false;
  });
  // Where nothing in the UI takes it, Escape leads back to where the keyboard came from.
  page.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && !event.defaultPrevented && !page.document.querySelector("dialog[open], [role=dialog], [role=alertdialog], [role=menu]")) tell({ outboard: "leave" });
  });
  oneHistory(page, () => held, tellPath, (path) => {
    adds = true;
    page.location.replace(`#${path}`);
  });
  return {
    get is() {
      return held;
    },
    tell,
  };
}

/** The page around has an entry for each path, so a frame that is held makes none: whatever the UI adds takes the place of what was. */
function oneHistory(page: Window & typeof globalThis, held: () => boolean, tellPath: (replace: boolean) => void, add: (path: string) => void): void {
  const { history } = page;
  const [push, replace] = [history.pushState.bind(history), history.replaceState.bind(history)];
  history.pushState = (...given) => {
    if (!held()) return push(...given);
    replace(...given);
    tellPath(false);
  };
  history.replaceState = (...given) => {
    replace(...given);
    tellPath(true);
  };
  // A link to `#/x`, and `location.hash`. Where a browser does not tell beforehand, the entry stays the frame's own.
  const { navigation } = page as { navigation?: EventTarget };
  navigation?.addEventListener("navigate", (event) => {
    const { hashChange, navigationType, cancelable, destination } = event as Event & { hashChange: boolean; navigationType: string; destination: { url: string } };
    if (!held() || !hashChange || navigationType !== "push" || !cancelable) return;
    event.preventDefault();
    // Not from within the event, whose navigation is still under way.
    queueMicrotask(() => add(new URL(destination.url).hash.slice(1)));
  });
}
