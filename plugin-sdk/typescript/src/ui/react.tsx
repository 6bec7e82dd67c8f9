//! The UI client for React: a provider that the shell page puts around a plugin's UI, and the hook that reads it.

import { createContext, createElement, useContext, useEffect, useMemo, useState, useSyncExternalStore, type ReactNode } from "react";
import { connect, type ConnectOptions, type PluginConnection } from "./connect.js";
import type { PluginUiContext } from "./types.js";

const Connection = createContext<PluginConnection | null>(null);

/** Properties of {@link PluginShellProvider}. */
export interface PluginShellProviderProps extends ConnectOptions {
  pluginId: string;
  /** Shown until the configuration is here, since a UI may read it synchronously from its first render on. */
  fallback?: ReactNode;
  children?: ReactNode;
}

/** Connects its children to a plugin. */
export function PluginShellProvider({ pluginId, base, fallback = null, children }: PluginShellProviderProps): ReactNode {
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
  return connection ? createElement(Connection.Provider, { value: connection }, children) : fallback;
}

/** The plugin's context. The component renders again when configuration, state or connection change. */
export function usePluginContext(): PluginUiContext {
  const connection = useContext(Connection);
  if (!connection) throw new Error("usePluginContext() was called outside PluginShellProvider; the shell page puts it around a plugin's UI");
  const version = useSyncExternalStore(
    (changed) => connection.onChange(changed),
    () => connection.version,
  );
  // A new object for each version; its parts, such as `socket`, stay the same so that effects need not run again.
  return useMemo(() => snapshot(connection), [connection, version]);
}

function snapshot(connection: PluginConnection): PluginUiContext {
  const { pluginId, state, connected, config, auth, airline, socket, logger } = connection;
  return { pluginId, state, connected, config, auth, airline, socket, logger, invoke: (channel, ...args) => connection.invoke(channel, ...args) };
}
