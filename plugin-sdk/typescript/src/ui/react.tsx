//! The UI client for React: a provider that the shell page puts around a plugin's UI, and the hook that reads it.

import { createContext, createElement, useContext, useEffect, useMemo, useState, useSyncExternalStore, type ReactNode } from "react";
import { connect, type ConnectOptions, type PluginConnection } from "./connect.js";
import { noSurface, type PluginSurface } from "./surface.js";
import type { PluginUiContext } from "./types.js";

const Connection = createContext<PluginConnection | null>(null);
const Surface = createContext<PluginSurface>(noSurface);

/** Properties of {@link PluginShellProvider}. */
export interface PluginShellProviderProps extends ConnectOptions {
  pluginId: string;
  /** Shown until the configuration is here, since a UI may read it synchronously from its first render on. */
  fallback?: ReactNode;
  /** What the page does for the UI: messages, and ways to other pages. */
  surface?: PluginSurface;
  children?: ReactNode;
}

/** Connects its children to a plugin. */
export function PluginShellProvider({ pluginId, base, fallback = null, surface = noSurface, children }: PluginShellProviderProps): ReactNode {
  const [connection, setConnection] = useState<PluginConnection | null>(null);
  useEffect(() => {
    const opened = connect(pluginId, base === undefined ? {} : { base });
    let current = true;
    void opened.ready.then(() => current && setConnection(opened));
    return () => {
      current = false;
      opened.close();
      setConnection(null);
    };
  }, [pluginId, base]);
  if (!connection) return fallback;
  return createElement(Surface.Provider, { value: surface }, createElement(Connection.Provider, { value: connection }, children));
}

/** The connection itself, for hooks that outlive a render. */
export function usePluginConnection(): PluginConnection {
  const connection = useContext(Connection);
  if (!connection) throw new Error("a hook of the SDK was called outside PluginShellProvider; the shell page puts it around a plugin's UI");
  return connection;
}

/** The plugin's context. The component renders again when configuration, state, connection or path change. */
export function usePluginContext(): PluginUiContext {
  const connection = usePluginConnection();
  const surface = useContext(Surface);
  const version = useSyncExternalStore(
    (changed) => connection.onChange(changed),
    () => connection.version,
  );
  const path = useSyncExternalStore(surface.onPath ?? never, () => surface.navigation.getCurrentPath());
  // A new object for each version; its parts, such as `socket`, stay the same so that effects need not run again.
  return useMemo(() => snapshot(connection, surface), [connection, surface, version, path]);
}

/** For a page whose path does not change. */
const never = () => () => {};

function snapshot(connection: PluginConnection, { toast, navigation }: PluginSurface): PluginUiContext {
  const { pluginId, state, connected, config, auth, airline, socket, logger } = connection;
  return { pluginId, state, connected, config, auth, airline, socket, logger, toast, navigation, invoke: (channel, ...args) => connection.invoke(channel, ...args) };
}
