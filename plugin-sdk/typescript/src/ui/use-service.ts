//! Hooks over services: one value followed, and a service to call. Hooks with words of their own, as for a flight, are made of them.
//! Must not know any service.

import { useCallback, useMemo, useRef, useSyncExternalStore } from "react";
import { usePluginConnection } from "./react.js";
import { follow, type Followed } from "./service.js";
import type { EventListener } from "./types.js";

/** What a hook gives. */
export interface Followable<T> {
  data: T | undefined;
  isLoading: boolean;
}

/** Options of a hook that can be narrowed: the component renders again only when what `select` gives is another. */
export interface SelectOptions<From, To> {
  select?: (all: From) => To;
}

/**
 * A value of a service: asked once, then kept as its events say, and asked again when a provider comes back. Give the same `what` at
 * each render. Narrowed by `select`, whose outcomes are compared as JSON.
 */
export function useServiceValue<From, To = From>(what: Followed, { select }: SelectOptions<From, To> = {}): Followable<To> {
  const connection = usePluginConnection();
  const { service, method, event } = what;
  const follower = useMemo(() => follow(connection, { service, method, event }), [connection, service, method, event]);
  const last = useRef<{ text: string; data: To | undefined }>({ text: "", data: undefined });
  const read = (): To | undefined => {
    const all = follower.value() as From | null | undefined;
    if (all === undefined || all === null) return undefined;
    const data = select ? select(all) : (all as unknown as To);
    const text = JSON.stringify(data) ?? "";
    if (text !== last.current.text) last.current = { text, data };
    return last.current.data;
  };
  const watch = useCallback((changed: () => void) => follower.watch(changed), [follower]);
  const data = useSyncExternalStore(watch, read);
  // Watched apart: where the answer is null, it is all that changes.
  const isLoading = useSyncExternalStore(watch, () => follower.value() === undefined);
  return { data, isLoading };
}

/** A service as a UI uses it. */
export interface UiService {
  /** Calls a method. Rejects with a `CallError` where nobody provides the service. */
  call<T = unknown>(method: string, params?: unknown): Promise<T>;
  /** Calls `listener` with each event, whoever provides the service; gives what takes it back. */
  on(event: string, listener: EventListener): () => void;
}

/** A service by its name. The same object for as long as the UI is shown. */
export function useService(name: string): UiService {
  const connection = usePluginConnection();
  return useMemo<UiService>(
    () => ({
      call: (method, params) => connection.callService(name, method, params),
      on: (event, listener) => connection.onService(name, event, listener),
    }),
    [connection, name],
  );
}
