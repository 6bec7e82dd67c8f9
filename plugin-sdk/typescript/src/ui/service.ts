//! One value of a service, followed: asked once, then kept as its events say. `use-service.ts` makes hooks of it. Must not know React.

import type { PluginConnection } from "./connect.js";

/** Which value, and how it changes. */
export interface Followed {
  service: string;
  /** The method that gives it at first. */
  method: string;
  /** The event that gives it anew. */
  event: string;
}

/** A value with its readers. */
export interface Follower {
  /** The value; `undefined` until it was heard. */
  value(): unknown;
  watch(changed: () => void): () => void;
}

const followers = new WeakMap<PluginConnection, Map<string, Follower>>();

/** The one follower of a value at a connection: however many components read it, it is asked for once. */
export function follow(connection: PluginConnection, { service, method, event }: Followed): Follower {
  const all = followers.get(connection) ?? new Map<string, Follower>();
  followers.set(connection, all);
  const name = `${service}.${method}/${event}`;
  const known = all.get(name);
  if (known) return known;
  const made = makeFollower(connection, { service, method, event });
  all.set(name, made);
  return made;
}

function makeFollower(connection: PluginConnection, { service, method, event }: Followed): Follower {
  const watchers = new Set<() => void>();
  let value: unknown;
  let off: (() => void) | undefined;
  const now = (told: unknown): void => {
    value = told ?? null;
    for (const watcher of [...watchers]) watcher();
  };
  const ask = (): void => {
    let stale = false;
    const fresh = connection.onService(service, event, () => (stale = true));
    connection.callService(service, method).then(
      // An event that came meanwhile is newer.
      (told) => (fresh(), stale || now(told)),
      (error: Error) => (fresh(), tellOnce(service, error)),
    );
  };
  return {
    value: () => value,
    watch(changed) {
      watchers.add(changed);
      if (!off) {
        const events = connection.onService(service, event, now);
        const states = connection.onServiceAvailable(service, ask);
        off = () => (events(), states());
        ask();
      }
      return () => {
        watchers.delete(changed);
        if (watchers.size > 0) return;
        off?.();
        off = undefined;
      };
    },
  };
}

const told = new Set<string>();

/** A service that is not there is no fault of the UI's; it is said once a page. */
function tellOnce(service: string, error: Error): void {
  const text = `outboard: the service ${service} gives nothing: ${error.message}`;
  if (!told.has(text)) console.warn(text);
  told.add(text);
}
