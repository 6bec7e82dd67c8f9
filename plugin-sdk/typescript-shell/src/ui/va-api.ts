//! `useVaApi`: an HTTP client for the bound airline's API. The same one for as long as the plugin is shown.

import type { PluginConnection } from "@outboard/plugin-sdk";
import { STRATOS_APP_BASE, usePluginConnection } from "@outboard/plugin-sdk/ui";
import axios, { AxiosError, type AxiosInstance, type InternalAxiosRequestConfig } from "axios";
import { useMemo } from "react";

/** A request that was sent again after its 401. */
interface Attempt extends InternalAxiosRequestConfig {
  outboardRetried?: boolean;
}

/** Asks the host for a new bearer; pages that ask at once share the answer. */
let refreshing: Promise<string | null> | undefined;

async function refresh(): Promise<string | null> {
  const answer = await fetch(`${STRATOS_APP_BASE}/api/auth/va/refresh`, { method: "POST" });
  if (!answer.ok) return null;
  const told = (await answer.json().catch(() => null)) as { token?: string; data?: { token?: string } } | null;
  return told?.data?.token ?? told?.token ?? null;
}

/** The client of one connection. */
export function createVaApi(connection: Pick<PluginConnection, "airline" | "auth">): AxiosInstance {
  const client = axios.create();
  let bearer: string | null = null;
  client.interceptors.request.use((request) => {
    const { airline } = connection;
    if (!airline) throw new AxiosError("no airline is bound at this moment, so useVaApi() has nowhere to ask; look at usePluginContext().airline first", "ERR_NO_AIRLINE", request);
    request.baseURL ??= airline.baseUrl;
    const token = bearer ?? connection.auth.token;
    if (token && !request.headers.has("Authorization")) request.headers.set("Authorization", `Bearer ${token}`);
    return request;
  });
  client.interceptors.response.use(undefined, async (error: AxiosError) => {
    const request = error.config as Attempt | undefined;
    if (error.response?.status !== 401 || !request || request.outboardRetried) throw error;
    refreshing ??= refresh().finally(() => (refreshing = undefined));
    const token = await refreshing.catch(() => null);
    if (!token) throw error;
    bearer = token;
    request.outboardRetried = true;
    request.headers.set("Authorization", `Bearer ${token}`);
    return client.request(request);
  });
  return client;
}

/**
 * An axios instance for the bound airline's API. A page has no bearer unless the host gives one, by the shell's route
 * `POST /api/auth/va/refresh`; a background module's `ctx.airline.createClient()` always has it.
 */
export function useVaApi(): AxiosInstance {
  const connection = usePluginConnection();
  return useMemo(() => createVaApi(connection), [connection]);
}
