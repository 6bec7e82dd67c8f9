//! `ctx.server`: routers below the supervisor's address. Registering is synchronous for authors; the host's answer is
//! awaited before `start` is answered.

import type { Application } from "../http/application.js";
import type { PluginPeer } from "../sides.js";
import type { PluginServerRegistrar } from "../types.js";
import { checkPrefix } from "../names.js";
import type { Registrations } from "./registrations.js";

/** Makes the server registrar of a session. `application` loads the HTTP side, at the first router. */
export function createServer(peer: PluginPeer, registrations: Registrations, application: () => Application): PluginServerRegistrar {
  return {
    registerRouter(given, router) {
      const prefix = checkPrefix(typeof given === "string" ? given.replace(/(?<=.)\/+$/, "") : given);
      const callable = typeof router === "function" || typeof (router as { handle?: unknown } | null)?.handle === "function";
      if (!callable) throw new TypeError(`server.registerRouter(${JSON.stringify(prefix)}): the second argument must be an Express router or a request handler`);
      application().mount(prefix, router);
      registrations.add(`server.registerRouter(${JSON.stringify(prefix)})`, peer.request("server.register", { prefix }));
    },
  };
}
