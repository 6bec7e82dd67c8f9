//! `ctx.config`: the plugin's durable values, kept by the host.

import type { ConfigChangedParams } from "../generated/protocol.js";
import type { PluginPeer } from "../sides.js";
import type { PluginConfigStore } from "../types.js";
import { checkJson } from "../json.js";
import { checkConfigKey } from "../names.js";
import { Listeners } from "./listeners.js";

/** The store, and where the session puts the host's notifications. */
export interface ConfigChannel {
  store: PluginConfigStore;
  changed(params: ConfigChangedParams): void;
}

/** Makes the config store of a session. */
export function createConfig(peer: PluginPeer): ConfigChannel {
  const listeners = new Listeners<[string, unknown]>();
  const store: PluginConfigStore = {
    async get<T>(key: string, fallback?: T): Promise<T> {
      // The caller's default stays here: it need not be JSON, and need not travel.
      const { value, found } = await peer.request("config.get", { key: checkConfigKey(key) });
      return (found ? value : fallback) as T;
    },
    async set(key, value) {
      if (value === undefined) throw new TypeError(`config.set(${JSON.stringify(key)}): undefined is not a JSON value; use config.delete to forget a key`);
      checkConfigKey(key);
      checkJson(value, `config.set(${JSON.stringify(key)}): `);
      await peer.request("config.set", { key, value });
    },
    async delete(key) {
      await peer.request("config.delete", { key: checkConfigKey(key) });
    },
    async getAll() {
      return (await peer.request("config.getAll")).values;
    },
    onChange: (listener) => listeners.add(listener),
  };
  return {
    store,
    changed: ({ key, value, deleted }) => listeners.tell(key, deleted && value === null ? undefined : value),
  };
}
