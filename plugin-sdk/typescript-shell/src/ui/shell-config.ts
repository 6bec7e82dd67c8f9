//! `useShellConfig`: what the host has set for everybody, such as units, from the shell's route `GET /api/config`. Asked once a page;
//! where no host serves that route, there is nothing in it.

import { STRATOS_APP_BASE } from "@outboard/plugin-sdk/ui";
import { useSyncExternalStore } from "react";

/** What the host has set for everybody. */
export interface ShellConfig {
  get<T = unknown>(key: string, fallback: T): T;
  get<T = unknown>(key: string): T | undefined;
  getAll(): Record<string, unknown>;
  /** Whether the host was not heard yet. */
  readonly isLoading: boolean;
}

const watchers = new Set<() => void>();
let asked = false;
let config = made({}, true);

function made(values: Record<string, unknown>, isLoading: boolean): ShellConfig {
  const get = (key: string, fallback?: unknown): any => (Object.hasOwn(values, key) ? values[key] : fallback);
  return { get, getAll: () => ({ ...values }), isLoading };
}

async function ask(): Promise<void> {
  asked = true;
  let values: Record<string, unknown> = {};
  try {
    const answer = await fetch(`${STRATOS_APP_BASE}/api/config`);
    if (answer.ok) values = ((await answer.json()) as { data?: Record<string, unknown> }).data ?? {};
    else console.info(`outboard: useShellConfig() is empty: no host answers GET /api/config (${answer.status})`);
  } catch (error) {
    console.warn(`outboard: useShellConfig() is empty: GET /api/config failed: ${(error as Error).message}`);
    asked = false;
  }
  config = made(values, false);
  for (const watcher of [...watchers]) watcher();
}

/** What the host has set for everybody. The component renders again when it is there. */
export function useShellConfig(): ShellConfig {
  return useSyncExternalStore(
    (changed) => {
      watchers.add(changed);
      if (!asked) void ask();
      return () => void watchers.delete(changed);
    },
    () => config,
  );
}
