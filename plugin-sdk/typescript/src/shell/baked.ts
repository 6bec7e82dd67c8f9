//! Prebuilt UIs have the original shell's address baked in, `http://127.0.0.1:2066`. The page lives at the plugin's own origin,
//! whatever the port, so what a UI asks of that address is asked of the page's origin instead. Called before any plugin's
//! code runs. Must not know what is asked.

/** The address in prebuilt bundles. */
const BAKED_PORT = "2066";
/** Names under which it was written. */
const BAKED_HOSTS = new Set(["127.0.0.1", "localhost", "[::1]"]);
/** Schemes that stay in step with the page's own. */
const SCHEMES: Record<string, "http" | "ws"> = { "http:": "http", "https:": "http", "ws:": "ws", "wss:": "ws" };
/** Attributes from which a browser loads or opens something. */
const ATTRIBUTES = ["src", "href", "action", "formaction", "poster", "data"];

/** An address at the page's own origin where it was one of the supervisor's bare names; else as it was given. */
export function atHome<T>(address: T, home: { host: string; port: string; protocol: string } = globalThis.location): T | string {
  if (typeof address !== "string" && !(address instanceof URL)) return address;
  // Most addresses are relative, and need no closer look.
  if (!/^\s*(https?|wss?):/i.test(String(address))) return address;
  let url: URL;
  try {
    url = new URL(String(address));
  } catch {
    return address;
  }
  const scheme = SCHEMES[url.protocol];
  const port = url.port || (url.protocol === "http:" || url.protocol === "ws:" ? "80" : "443");
  const ours = home.port || (home.protocol === "https:" ? "443" : "80");
  if (!scheme || !BAKED_HOSTS.has(url.hostname) || (port !== BAKED_PORT && port !== ours)) return address;
  const secure = home.protocol === "https:" ? "s" : "";
  return `${scheme}${secure}://${home.host}${url.pathname}${url.search}${url.hash}`;
}

/** Makes the page's own means of asking go to its own origin. */
export function comeHome(page: typeof globalThis & Window): void {
  const asked = page.fetch;
  page.fetch = (input: RequestInfo | URL, init?: RequestInit) => asked.call(page, atHome(input), init);
  const open = XMLHttpRequest.prototype.open as (...given: unknown[]) => void;
  XMLHttpRequest.prototype.open = function (this: XMLHttpRequest, method: string, address: string | URL, ...rest: unknown[]) {
    return open.call(this, method, atHome(address), ...rest);
  };
  for (const name of ["Request", "WebSocket", "EventSource", "Worker", "SharedWorker"] as const) {
    if (typeof page[name] !== "function") continue;
    page[name] = new Proxy(page[name], {
      construct: (made, [address, ...rest], asked) => Reflect.construct(made, [atHome(address), ...rest], asked) as object,
    }) as never;
  }
  const beacon = page.navigator.sendBeacon?.bind(page.navigator);
  if (beacon) page.navigator.sendBeacon = (address, data) => beacon(atHome(address), data);
  const opened = page.open;
  page.open = (address, ...rest) => opened.call(page, atHome(address), ...rest);
  elements(page);
}

/** Pictures, links and the like, however they come into the page. */
function elements(page: typeof globalThis & Window): void {
  const set = Element.prototype.setAttribute;
  Element.prototype.setAttribute = function (name, value) {
    return set.call(this, name, ATTRIBUTES.includes(name.toLowerCase()) ? atHome<string>(value) : value);
  };
  for (const kind of [HTMLImageElement, HTMLScriptElement, HTMLLinkElement, HTMLMediaElement, HTMLVideoElement, HTMLSourceElement, HTMLIFrameElement, HTMLAnchorElement, HTMLFormElement]) {
    for (const name of ATTRIBUTES) {
      const property = Object.getOwnPropertyDescriptor(kind.prototype, name);
      const put = property?.set;
      if (!property || !put) continue;
      Object.defineProperty(kind.prototype, name, {
        ...property,
        set(this: Element, value: unknown) {
          put.call(this, atHome(value));
        },
      });
    }
  }
  // What comes as text (innerHTML) passes none of these.
  new MutationObserver((changes) => {
    for (const change of changes) {
      for (const node of change.addedNodes) {
        if (!(node instanceof Element)) continue;
        for (const element of [node, ...node.querySelectorAll("*")]) bring(element);
      }
    }
  }).observe(page.document, { childList: true, subtree: true });
}

function bring(element: Element): void {
  for (const name of ATTRIBUTES) {
    const value = element.getAttribute(name);
    if (value !== null && atHome(value) !== value) element.setAttribute(name, value);
  }
}
