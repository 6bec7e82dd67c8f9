//! `ctx.airline`: the bound airline, and an axios instance that speaks for it. The instance resolves base URL and bearer at
//! each request, and after a 401 asks the host for a new bearer, which exchanges the refresh token once for everybody, and sends
//! once more what was sent before, byte for byte. The refresh token itself never comes here.

import type { AxiosError, AxiosInstance, InternalAxiosRequestConfig } from "axios";
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

/** What a request to the airline carries in its own configuration: axios keeps members that it does not know. */
interface Sent {
  /** The airline when it was sent: nobody else is sent it, and a stranger's 401 says nothing about the bearer. */
  id: string;
  baseUrl: string;
  /** The bearer that was sent with it; a function, so that nobody who prints the configuration prints it. */
  token(): string | null;
}

type Config = InternalAxiosRequestConfig & { outboard?: Sent };

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
  const axios = loadAxios();
  const client = axios.create();
  // Forms that axios makes of fields can be sent twice, other than those of the package that it takes by itself.
  client.defaults.env = { ...client.defaults.env, FormData };
  // Sends what went through the author's interceptors and transformations already, and would go through them again.
  const bare = axios.create();
  /** The last bearer that the airline refused. */
  let refused: string | null = null;

  const refresh = async (stale: string | null) => {
    const { token } = await peer.request("airline.refresh", stale === null ? {} : { staleToken: stale });
    keepSecret(token);
    return token;
  };

  client.interceptors.request.use(async (config: Config) => {
    const airline = await getCurrent();
    if (!airline) throw new Error("no airline is bound, so there is nobody to send this request to; ctx.airline.getCurrent() tells when one is");
    if (!config.baseURL) config.baseURL = airline.baseUrl;
    keepToLength(config);
    keepBoundary(config);
    if (!isFor(airline.baseUrl, client.getUri(config))) return config;
    let { token } = airline;
    // A stream can be sent once: not with a bearer of which it is known that it is refused.
    if (token !== null && token === refused && isStream(config.data)) token = await refresh(token).catch(() => token);
    setBearer(config.headers, token);
    // Without this, a redirect to a name below the airline's would take the bearer along.
    config.sensitiveHeaders = [...(config.sensitiveHeaders ?? []), "Authorization"];
    config.outboard = { id: airline.id, baseUrl: airline.baseUrl, token: () => token };
    return config;
  });

  client.interceptors.response.use(undefined, async (error: AxiosError & { config?: Config }) => {
    const { config, response } = error;
    const sent = config?.outboard;
    if (!sent || response?.status !== 401 || !isFor(sent.baseUrl, answeredBy(response.request) ?? sent.baseUrl)) throw error;
    const stale = sent.token();
    refused = stale;
    let token: string;
    let airline: PluginAirline | null;
    try {
      token = await refresh(stale);
      airline = await getCurrent();
    } catch {
      throw error; // the 401 is the caller's; the host has asked for a new sign-in
    }
    if (isStream(config.data)) {
      error.message += "; the body was a stream, which can be sent once: the bearer is renewed, so make the request again with a new stream";
      throw error;
    }
    // Another airline was bound meanwhile: the request was not meant for it, and its bearer is not for the former one.
    if (airline?.id !== sent.id || airline.baseUrl !== sent.baseUrl) throw error;
    discard(response.data);
    const headers = config.headers.concat({ Authorization: `Bearer ${token}` });
    return bare.request({ ...config, headers, transformRequest: (data: unknown) => data, outboard: { ...sent, token: () => token } } as Config);
  });
  return client;
}

/**
 * Sees to it that a request has as many bytes as it says: the rest would be taken for the next one on the same connection. axios
 * counts what is not a stream; a connection on which a stream was to keep to a length of the author's is not used again.
 */
function keepToLength({ data, headers }: Config): void {
  if (!headers.has("Content-Length")) return;
  if (isStream(data)) headers.set("Connection", "close");
  else headers.delete("Content-Length");
}

/** axios makes up the line between the parts of a form at each sending; the second try is to have that of the first. */
function keepBoundary({ data, headers, adapter }: Config): void {
  const type = String(headers.getContentType() ?? "");
  const isForm = type.startsWith("multipart/form-data") || (type === "" && data instanceof FormData);
  // fetch says its own, whatever stands there.
  if (isForm && !type.includes("boundary=") && adapter !== "fetch") headers.setContentType(`multipart/form-data; boundary=outboard-${crypto.randomUUID()}`);
}

/** Where the answer came from, redirects followed. */
function answeredBy(request: { res?: { responseUrl?: string } } | undefined): string | undefined {
  return request?.res?.responseUrl;
}

/** Whether a request goes to the airline itself: its bearer is for nobody else. */
function isFor(baseUrl: string, url: string): boolean {
  try {
    return new URL(url, baseUrl).origin === new URL(baseUrl).origin;
  } catch {
    return false;
  }
}

function setBearer(headers: Config["headers"], token: string | null): void {
  if (token === null) headers.delete("Authorization");
  else headers.set("Authorization", `Bearer ${token}`);
}

/** A body that was read once cannot be sent again. */
function isStream(data: unknown): boolean {
  return isNodeStream(data) || data instanceof ReadableStream;
}

function isNodeStream(data: unknown): data is NodeJS.ReadableStream & { destroy?(): void } {
  return typeof data === "object" && data !== null && "pipe" in data && typeof data.pipe === "function";
}

/** Gives up an answer that nobody will read, with its connection. An interceptor of the author's may have begun to read it. */
function discard(data: unknown): void {
  if (isNodeStream(data)) data.destroy?.();
  else if (data instanceof ReadableStream && !data.locked) void data.cancel().catch(() => {});
}
