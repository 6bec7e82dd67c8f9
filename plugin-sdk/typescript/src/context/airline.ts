//! `ctx.airline`: the bound airline, and an axios instance that speaks for it. The instance resolves base URL and bearer at
//! each request, and after a 401 asks the host for a new bearer, which exchanges the refresh token once for everybody. The
//! refresh token itself never comes here.

import type { AxiosInstance, AxiosRequestConfig, InternalAxiosRequestConfig } from "axios";
import { loadAxios } from "../bundled.js";
import type { AirlineChangedParams, AirlineName } from "../generated/protocol.js";
import type { PluginPeer } from "../sides.js";
import { keepSecret } from "../secrets.js";
import type { PluginAirline, PluginAirlineAccessor } from "../types.js";
import { Listeners } from "./listeners.js";

/** The accessor, and where the session puts the host's notifications. */
export interface AirlineChannel {
  accessor: PluginAirlineAccessor;
  changed(params: AirlineChangedParams): void;
}

/** What a request carries from one try to the next, in its own configuration: axios keeps members that it does not know. */
interface Carried {
  /** The bearer that was sent with it, or is to be; a function, so that nobody who prints the configuration prints it. */
  token?(): string | null;
  /** Whether this is the second try. */
  retried?: boolean;
  /** Whether the base URL is ours, to be resolved anew. */
  resolved?: boolean;
  /** Whether it went to the airline: a stranger's 401 says nothing about the airline's token. */
  own?: boolean;
}

type Carrying<Config> = Config & { outboard?: Carried };

/** Makes the airline accessor of a session. */
export function createAirline(peer: PluginPeer): AirlineChannel {
  const listeners = new Listeners<[AirlineName | null]>();
  const getCurrent = async () => {
    const { airline } = await peer.request("airline.getCurrent");
    keepSecret(airline?.token);
    return airline;
  };
  return {
    accessor: {
      getCurrent,
      createClient: () => createClient(peer, getCurrent),
      onChange: (listener) => listeners.add(listener),
    },
    changed: ({ airline }) => listeners.tell(airline),
  };
}

function createClient(peer: PluginPeer, getCurrent: () => Promise<PluginAirline | null>): AxiosInstance {
  const client = loadAxios().create();

  client.interceptors.request.use(async (config: Carrying<InternalAxiosRequestConfig>) => {
    const airline = await getCurrent();
    if (!airline) throw new Error("no airline is bound, so there is nobody to send this request to; ctx.airline.getCurrent() tells when one is");
    const before = config.outboard ?? {};
    const resolved = before.resolved ?? !config.baseURL;
    if (resolved) config.baseURL = airline.baseUrl;
    const token = before.retried && before.token ? before.token() : airline.token;
    const own = isFor(airline.baseUrl, client.getUri(config));
    if (own) {
      setBearer(config, token);
      // Without this, a redirect to a name below the airline's would take the bearer along.
      config.sensitiveHeaders = [...(config.sensitiveHeaders ?? []), "Authorization"];
    }
    config.outboard = { ...before, token: () => token, resolved, own };
    return config;
  });

  client.interceptors.response.use(undefined, async (error: { config?: Carrying<InternalAxiosRequestConfig>; response?: { status: number } }) => {
    const { config, response } = error;
    const sent = config?.outboard;
    if (!config || !sent?.own || response?.status !== 401 || sent.retried || isStream(config.data)) throw error;
    const stale = sent.token?.();
    let token: string;
    try {
      ({ token } = await peer.request("airline.refresh", stale ? { staleToken: stale } : {}));
      keepSecret(token);
    } catch {
      throw error; // the 401 is the caller's; the host has asked for a new sign-in
    }
    const again: Carrying<AxiosRequestConfig> = { ...config, outboard: { ...sent, token: () => token, retried: true } };
    return client.request(again);
  });
  return client;
}

/** Whether a request goes to the airline itself: its bearer is for nobody else. */
function isFor(baseUrl: string, url: string): boolean {
  try {
    return new URL(url, baseUrl).origin === new URL(baseUrl).origin;
  } catch {
    return false;
  }
}

function setBearer(config: InternalAxiosRequestConfig, token: string | null): void {
  if (token === null) config.headers.delete("Authorization");
  else config.headers.set("Authorization", `Bearer ${token}`);
}

/** A body that was read once cannot be sent again. */
function isStream(data: unknown): boolean {
  return typeof data === "object" && data !== null && "pipe" in data && typeof data.pipe === "function";
}
