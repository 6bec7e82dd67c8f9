//! `ctx.auth`: the host's sign-in, to read.

import type { Peer } from "../wire/peer.js";
import type { PluginAuthAccessor } from "../types.js";
import { Listeners } from "./listeners.js";

/** The accessor, and where the session puts the host's notifications. */
export interface AuthChannel {
  accessor: PluginAuthAccessor;
  changed(params: { authenticated: boolean }): void;
}

/** Makes the auth accessor of a session. */
export function createAuth(peer: Peer): AuthChannel {
  const listeners = new Listeners<[boolean]>();
  return {
    accessor: {
      isAuthenticated: async () => (await peer.request<{ authenticated: boolean }>("auth.isAuthenticated")).authenticated,
      getToken: async () => (await peer.request<{ token: string | null }>("auth.getToken")).token,
      onChange: (listener) => listeners.add(listener),
    },
    changed: ({ authenticated }) => listeners.tell(authenticated),
  };
}
