//! `ctx.auth`: the host's sign-in, to read.

import type { AuthChangedParams } from "../generated/protocol.js";
import type { PluginPeer } from "../sides.js";
import { keepSecret } from "../secrets.js";
import type { PluginAuthAccessor } from "../types.js";
import { Listeners } from "./listeners.js";

/** The accessor, and where the session puts the host's notifications. */
export interface AuthChannel {
  accessor: PluginAuthAccessor;
  changed(params: AuthChangedParams): void;
}

/** Makes the auth accessor of a session. */
export function createAuth(peer: PluginPeer): AuthChannel {
  const listeners = new Listeners<[boolean]>();
  return {
    accessor: {
      isAuthenticated: async () => (await peer.request("auth.isAuthenticated")).authenticated,
      getToken: async () => {
        const { token } = await peer.request("auth.getToken");
        keepSecret(token);
        return token;
      },
      onChange: (listener) => listeners.add(listener),
    },
    changed: ({ authenticated }) => listeners.tell(authenticated),
  };
}
