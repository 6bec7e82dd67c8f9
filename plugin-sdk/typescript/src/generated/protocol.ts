//! The words of the protocol. GENERATED from the method table in proto-schema: do not edit; run `make schema`.

/** The bound airline, as `airline.getCurrent` tells it. */
export interface Airline {
  /** Origin of the airline's API, without a slash at the end. */
  baseUrl: string;
  /** The airline's id as the host knows it. */
  id: string;
  /** The bearer for it; null when the user is not signed in there. */
  token: string | null;
}

/** Parameters of the notification `airline.changed`. */
export interface AirlineChangedParams {
  /** The new binding without its token, which is fetched and never pushed; null when there is none. */
  airline: AirlineName | null;
}

/** Answer to `airline.getCurrent`. */
export interface AirlineGetCurrentResult {
  /** The binding of this moment; null when there is none. */
  airline: Airline | null;
}

/** A binding without its secrets. */
export interface AirlineName {
  /** Origin of the airline's API. */
  baseUrl: string;
  /** The airline's id as the host knows it. */
  id: string;
}

/** Parameters of `airline.refresh`: a plugin saw a 401. */
export interface AirlineRefreshParams {
  /** The bearer that was refused. If the host holds another one by now, that one is the answer and nothing is exchanged. */
  staleToken?: string | null;
}

/** Answer to `airline.refresh`. A refresh that is refused, or cannot be tried, is the error `auth_required`. */
export interface AirlineRefreshResult {
  /** The bearer to use from now on. */
  token: string;
}

/** Parameters of `airline.request`: one HTTP exchange with the airline, the bearer and its refresh included. */
export interface AirlineRequestParams {
  /** The HTTP method, in capitals. */
  method: string;
  /** Path and query below the airline's origin, beginning with `/`. */
  path: string;
  /** A JSON body; `content-type: application/json` is added. */
  body?: unknown;
  /** Further request headers. `authorization`, `host` and those about framing are the host's to set. */
  headers?: Record<string, string>;
}

/** Answer to `airline.request`, whatever the status was. */
export interface AirlineRequestResult {
  /** The body: parsed where it is JSON, else as text. */
  body: unknown;
  /** The response's headers, names in lower case; values of a repeated header are joined by `, `. */
  headers: Record<string, string>;
  /** The HTTP status. */
  status: number;
}

/** Parameters of the notification `auth.changed`. The token itself is fetched, never pushed. */
export interface AuthChangedParams {
  /** Whether somebody is signed in now. */
  authenticated: boolean;
}

/** Answer to `auth.getToken`. */
export interface AuthGetTokenResult {
  /** The host's bearer token; null when nobody is signed in. */
  token: string | null;
}

/** Answer to `auth.isAuthenticated`. */
export interface AuthIsAuthenticatedResult {
  /** Whether somebody is signed in. */
  authenticated: boolean;
}

/** The id of a call: a number or a string. */
export type CallId = number | string;

/** Parameters of `$/cancelRequest`. */
export interface CancelParams {
  /** The id of the call, as its caller chose it. */
  id: CallId;
}

/** The leaf name of a channel, without `plugin:{id}:`: 1 to 256 bytes, no control characters. */
export type Channel = string;

/** Parameters of the notification `config.changed`, sent to the plugin and to its UIs after a change is on disk. */
export interface ConfigChangedParams {
  /** Whether the stored value was deleted (`value` is then the manifest's default, or null). */
  deleted: boolean;
  /** The key that changed. */
  key: ConfigKey;
  /** What `config.get` answers from now on; null when there is nothing left. */
  value: unknown;
}

/** Parameters of `config.delete`. Answered when the deletion is on disk. */
export interface ConfigDeleteParams {
  /** The key to forget. */
  key: ConfigKey;
}

/** Answer to `config.delete`. */
export interface ConfigDeleteResult {
  /** Whether there was a value. */
  deleted: boolean;
}

/** Answer to `config.getAll`. */
export interface ConfigGetAllResult {
  /** Every key with its value: those that were set, and the manifest's defaults for the others. */
  values: Record<string, unknown>;
}

/** Parameters of `config.get`. */
export interface ConfigGetParams {
  /** The key to read. */
  key: ConfigKey;
  /** What to answer when nothing was set and the manifest declares no default. */
  default?: unknown;
}

/** Answer to `config.get`. */
export interface ConfigGetResult {
  /** Whether a value was set, or is declared by the manifest. False: `value` is the caller's default, or null. */
  found: boolean;
  /** The value; null when there is none. */
  value: unknown;
}

/** A key in the plugin's configuration: 1 to 256 bytes, no control characters. */
export type ConfigKey = string;

/** Parameters of `config.set`. Answered when the value is on disk. */
export interface ConfigSetParams {
  /** The key to write. */
  key: ConfigKey;
  /** Its new value, any JSON. */
  value: unknown;
}

/** A plain file name in the plugin's own data folder: 1 to 128 letters, digits, dots, underscores and hyphens; not one of SQLite's side files. */
export type DatabaseFile = string;

/** Parameters of `database.open`. */
export interface DatabaseOpenParams {
  /** A plain file name. */
  file: DatabaseFile;
}

/** Answer to `database.open`. */
export interface DatabaseOpenResult {
  /** The absolute path to open. Its folder exists, 0700; the file may not yet. */
  path: string;
  /** How large the file may become, in bytes: what it has now, and what the quota of the plugin's data leaves. A database is held to it by `PRAGMA max_page_count`, which each connection needs for itself; the SDKs set it. Files that are open together are given the same room, so that each may come to the whole quota: the host measures their sum, and has less to grant the next time. */
  maxBytes?: number | null;
}

/** Parameters of the notification `database.quota`. */
export interface DatabaseQuotaParams {
  /** What the plugin's data folder holds, in bytes. */
  bytes: number;
  /** Whether it holds as much as it may: no new database is granted, and those that are there may not grow. */
  full: boolean;
  /** What it may hold, in bytes. */
  quota: number;
}

/** An empty object: parameters of a method that takes none, or the answer of one that gives none. */
export type Empty = Record<string, never>;

/** The `data` member of an error: for programs, where the message is for people. */
export interface ErrorData {
  /** The stable word of the code. */
  reason?: string;
  /** Whether the same call may succeed later. */
  retryable?: boolean;
}

/** A hook that a plugin may have. */
export type Hook = "onStart" | "onStop" | "onResume";

/** Who runs the plugin. */
export interface HostInfo {
  /** Always `outboard`, unless another host speaks the protocol. */
  name: string;
  /** The host's product version; informative. */
  version: string;
}

/** Where the plugin is reached over HTTP. */
export interface HttpInfo {
  /** Origin of the supervisor, without a slash at the end. */
  baseUrl: string;
  /** The plugin's own prefix, `/api/<id>`. */
  prefix: string;
}

/** Parameters of `initialize`, the first message of every session. */
export interface InitializeParams {
  /** Optional abilities of the host. Unknown ones are ignored. */
  features: string[];
  /** The host. */
  host: HostInfo;
  /** Where the plugin is reached over HTTP. */
  http: HttpInfo;
  /** The plugin, as the host knows it. */
  plugin: PluginInfo;
  /** Every protocol version that the host speaks; the plugin answers with one of them. */
  protocolVersions: number[];
}

/** Answer to `initialize`. */
export interface InitializeResult {
  /** The version that both speak from now on. */
  protocolVersion: number;
  /** Optional abilities of the plugin; see [`features`]. Unknown ones are ignored. */
  features?: string[];
  /** The hooks that the plugin has. `onResume` makes the host call `resume` after an update in place of `start`. */
  hooks?: Hook[];
  /** What the plugin was built with; informative. */
  sdk?: SdkInfo | null;
}

/** Parameters of `ipc.handle` and `ipc.removeHandler`. */
export interface IpcChannelParams {
  /** The leaf name of the channel. */
  channel: Channel;
}

/** Parameters of the host call `ipc.invoke`: a UI or an operator asks; the plugin's answer is any JSON. */
export interface IpcInvokeParams {
  /** The arguments, in order. */
  args: unknown[];
  /** The leaf name of the channel. */
  channel: Channel;
}

/** Parameters of the notification `ipc.send`: every connected UI of this plugin gets it, and no other. */
export interface IpcSendParams {
  /** The leaf name of the channel. */
  channel: Channel;
  /** Any JSON; absent counts as null. */
  payload?: unknown;
  /** Keep it as the channel's last value: who subscribes later gets it too, marked as `replayed`. Null forgets what was kept. */
  retain?: boolean;
}

/** How much a record matters. */
export type LogLevel = "debug" | "info" | "warn" | "error";

/** Parameters of the notification `log`. Nothing is answered; a record that breaks a limit is cut, never refused. */
export interface LogParams {
  /** How much it matters. */
  level: LogLevel;
  /** Anything else, as JSON. An error object has `name`, `message` and `stack`. */
  extra?: unknown;
  /** What it says. */
  message?: string;
  /** Which part of the plugin speaks. */
  tag?: string;
}

/** A plugin's id: 1 to 64 lower-case letters, digits and hyphens, beginning with a letter or digit. */
export type PluginId = string;

/** What the host knows of the plugin that it started. */
export interface PluginInfo {
  /** The plugin's own folder for what it keeps; made on first use by `database.open`, or by the plugin itself. */
  dataDir: string;
  /** The id from the manifest. */
  id: PluginId;
  /** The folder that holds `plugin.json`; the process's working directory. */
  installDir: string;
  /** The version from the manifest. */
  version: string;
}

/** Parameters of `$/progress`. Further members are for people to read. */
export interface ProgressParams {
  /** The id of the call, as its caller chose it. */
  id: CallId;
  /** What is being done, for people. */
  message?: string | null;
}

/** Parameters of `resume`. */
export interface ResumeParams {
  /** The version that ran before the update. */
  fromVersion: string;
}

/** A path below which a plugin answers HTTP: begins with a slash, does not end with one, and has plain segments only; at most 256 bytes. */
export type RoutePrefix = string;

/** The `error` member of a JSON-RPC response. */
export interface RpcError {
  /** One of the codes of the table; codes that are not in it are a plugin's own. */
  code: number;
  /** What programs may rely on. */
  data?: ErrorData | null;
  /** A sentence: what was wrong, where, and what to do. */
  message?: string;
}

/** What a plugin was built with. */
export interface SdkInfo {
  /** The SDK's name. */
  name: string;
  /** The plugin's language. */
  language?: string;
  /** The SDK's version. */
  version?: string;
}

/** Parameters of `server.register` and `server.unregister`. */
export interface ServerPrefixParams {
  /** The path below which the plugin answers. */
  prefix: RoutePrefix;
}

/** Answer to `server.register`. A prefix that another plugin owns is the error `conflict`, which names the owner. */
export interface ServerRegisterResult {
  /** Where the prefix is reached from outside. */
  url: string;
}

/** Parameters of `service.ask`: a provider asks one consumer, by an event that has to be answered. */
export interface ServiceAskParams {
  /** The event. */
  event: ServiceMember;
  /** The service, which the sender provides. */
  service: ServiceName;
  /** The consumer that is asked. */
  to: PluginId;
  /** What counts as the answer where none comes: the consumer is not subscribed, is gone, fails, or is late. Absent counts as null. */
  default?: unknown;
  /** Any JSON; absent counts as null. */
  payload?: unknown;
  /** How long to wait for its answer, in milliseconds: 5 s unless said, an hour at most. */
  timeoutMs?: number | null;
}

/** Answer to `service.ask`. */
export interface ServiceAskResult {
  /** What the consumer answered, or the default. */
  value: unknown;
  /** Why it is the default; absent where the consumer answered. */
  because?: string | null;
}

/** Parameters of `service.call`: a consumer asks the host, and the host asks the provider. */
export interface ServiceCallParams {
  /** The method, as the provider names it. */
  method: ServiceMember;
  /** The service. */
  service: ServiceName;
  /** Whose call it is. The host says it to the provider; a consumer has no say in it, and what it sends here is ignored. */
  caller?: PluginId | null;
  /** What the method takes: any JSON; absent counts as null. */
  params?: unknown;
  /** How long the consumer waits, in milliseconds: 30 s unless said, an hour at most. Said where an answer waits for a person. */
  timeoutMs?: number | null;
}

/** Parameters of the notification `service.changed`: what has become of a service that the plugin uses. */
export interface ServiceChangedParams {
  /** The service. */
  service: ServiceName;
  /** How it is now. */
  state: ServiceState;
  /** Why, for people; absent while it is available. */
  because?: string | null;
}

/** Parameters of the notification `service.emit`, from a provider. */
export interface ServiceEmitParams {
  /** The event. */
  event: ServiceMember;
  /** The service, which the sender provides. */
  service: ServiceName;
  /** Only the newest counts: it takes the place of an event of this name that still waits for a slow consumer. */
  latest?: boolean;
  /** Any JSON; absent counts as null. */
  payload?: unknown;
  /** One consumer that gets it, if it is subscribed; all that are subscribed, when absent. */
  to?: PluginId | null;
}

/** Parameters of the notification `service.event`. */
export interface ServiceEventParams {
  /** The event. */
  event: ServiceMember;
  /** The service. */
  service: ServiceName;
  /** The provider waits for an answer from this consumer: send it by `service.reply` under this id. */
  answer?: string | null;
  /** How many events of this subscription were left out before this one, because too much waited for the consumer. Absent: none. */
  missed?: number;
  /** Any JSON. */
  payload?: unknown;
}

/** The name of a method or an event of a service: 1 to 128 bytes, no control characters. */
export type ServiceMember = string;

/** The name of a service: lower-case letters and digits, beginning with a letter, and further parts after dots, which may have hyphens; at most 64 bytes. */
export type ServiceName = string;

/** Parameters of the notification `service.reply`, from the consumer that was asked. */
export interface ServiceReplyParams {
  /** The id that came with the event. */
  answer: string;
  /** Why there is no answer; the provider's default counts. */
  error?: RpcError | null;
  /** What is answered: any JSON; absent counts as null. */
  result?: unknown;
}

/** Whether a service is answered. */
export type ServiceState = "available" | "starting" | "unavailable" | "unprovided";

/** Parameters of `service.subscribe` and `service.unsubscribe`. */
export interface ServiceSubscribeParams {
  /** The event, as the provider names it. */
  event: ServiceMember;
  /** The service. */
  service: ServiceName;
}

/** Parameters of the notification `service.subscribed`: who listens to an event of a provider, whenever that changes. */
export interface ServiceSubscribedParams {
  /** The plugins that are subscribed now; empty when nobody listens any more. */
  consumers: PluginId[];
  /** The event. */
  event: ServiceMember;
  /** The service. */
  service: ServiceName;
}

/** Parameters of `stop`. */
export interface StopParams {
  /** Why the plugin is stopped. */
  reason: StopReason;
}

/** Why a plugin is stopped. */
export type StopReason = "stopped" | "restart" | "update" | "removed" | "shutdown";

/** What the host asks of a plugin. */
export interface HostCalls {
  /** The first message of a session: the host says who it is, which protocol versions it speaks and where things are; the plugin answers with the version it chose and what it can do. */
  "initialize": { params: InitializeParams; result: InitializeResult };
  /** Run onStart. The answer means that the plugin is ready; an error means that it refused, and it is not started again by itself. */
  "start": { params: Empty; result: Empty };
  /** Sent in place of start after an update, to a plugin that declared onResume. */
  "resume": { params: ResumeParams; result: Empty };
  /** Run onStop. After the answer the plugin closes what it holds and exits; its standard input is closed next. */
  "stop": { params: StopParams; result: Empty };
  /** Are you there? Any answer will do, an error too; several pings in a row that stay unanswered mean that the plugin hangs. */
  "ping": { params: Empty; result: Empty };
  /** A UI or an operator calls a channel that the plugin handles. */
  "ipc.invoke": { params: IpcInvokeParams; result: unknown };
}

/** What the host tells a plugin. */
export interface HostNotices {
  /** A value of this plugin's configuration changed, by whomever. */
  "config.changed": { params: ConfigChangedParams };
  /** Somebody signed in or out. */
  "auth.changed": { params: AuthChangedParams };
  /** The host is bound to another airline, or to none. */
  "airline.changed": { params: AirlineChangedParams };
  /** The plugin's data folder has come near its quota, or reached it. */
  "database.quota": { params: DatabaseQuotaParams };
  /** An event of a service that the plugin is subscribed to. */
  "service.event": { params: ServiceEventParams };
  /** A service that the plugin uses is answered, is answered no longer, or will be soon. */
  "service.changed": { params: ServiceChangedParams };
  /** To a provider: who is subscribed to one of its events, at its start and whenever that changes. */
  "service.subscribed": { params: ServiceSubscribedParams };
}

/** What a plugin asks of the host. */
export interface ContextCalls {
  /** The value of a key: what was set, else the manifest's default, else the caller's. */
  "config.get": { params: ConfigGetParams; result: ConfigGetResult };
  /** Set a key. The answer means that the value is on disk. */
  "config.set": { params: ConfigSetParams; result: Empty };
  /** Forget a key. The answer means that the deletion is on disk. */
  "config.delete": { params: ConfigDeleteParams; result: ConfigDeleteResult };
  /** Every key with its value. */
  "config.getAll": { params: Empty; result: ConfigGetAllResult };
  /** From now on the plugin answers `ipc.invoke` on this channel. */
  "ipc.handle": { params: IpcChannelParams; result: Empty };
  /** From now on it does not. */
  "ipc.removeHandler": { params: IpcChannelParams; result: Empty };
  /** Whether somebody is signed in. */
  "auth.isAuthenticated": { params: Empty; result: AuthIsAuthenticatedResult };
  /** The host's bearer token. */
  "auth.getToken": { params: Empty; result: AuthGetTokenResult };
  /** The airline that the host is bound to, at this moment. */
  "airline.getCurrent": { params: Empty; result: AirlineGetCurrentResult };
  /** After a 401: exchange the stored refresh token for a new bearer. One exchange serves every plugin that asks. */
  "airline.refresh": { params: AirlineRefreshParams; result: AirlineRefreshResult };
  /** One HTTP exchange with the airline, bearer and refresh included, for languages without an SDK. */
  "airline.request": { params: AirlineRequestParams; result: AirlineRequestResult };
  /** The path of an SQLite file in the plugin's own data folder, which is made if need be. */
  "database.open": { params: DatabaseOpenParams; result: DatabaseOpenResult };
  /** Send HTTP requests below this prefix to the plugin. */
  "server.register": { params: ServerPrefixParams; result: ServerRegisterResult };
  /** Send them no longer. */
  "server.unregister": { params: ServerPrefixParams; result: Empty };
  /** From now on the plugin gets `service.event` for this event, whoever provides the service, now or later. */
  "service.subscribe": { params: ServiceSubscribeParams; result: Empty };
  /** From now on it does not. */
  "service.unsubscribe": { params: ServiceSubscribeParams; result: Empty };
  /** From a provider: ask one consumer by an event. The answer is the consumer's, or the stated default. */
  "service.ask": { params: ServiceAskParams; result: ServiceAskResult };
}

/** What a plugin tells the host. */
export interface ContextNotices {
  /** One log record. */
  "log": { params: LogParams };
  /** Push an event to every connected UI of this plugin. */
  "ipc.send": { params: IpcSendParams };
  /** From a provider: an event for the consumers that are subscribed to it. */
  "service.emit": { params: ServiceEmitParams };
  /** The answer to an event that came with an `answer` id. */
  "service.reply": { params: ServiceReplyParams };
}

/** What either side asks of the other. */
export interface BothCalls {
  /** Call a method of a service. A consumer asks the host; the host asks the provider, with the caller's id. */
  "service.call": { params: ServiceCallParams; result: unknown };
}

/** What either side tells the other. */
export interface BothNotices {
  /** The caller no longer wants the answer. The called side still answers, with the error `cancelled` or with what it had. */
  "$/cancelRequest": { params: CancelParams };
  /** The call with this id is still being worked on: its deadline starts anew. */
  "$/progress": { params: ProgressParams };
}

/** Code and retryability of every reason, by its word. */
export const ERRORS = {
  /** The frame is not JSON. */
  parse_error: [-32700, false],
  /** The frame is JSON but not one JSON-RPC 2.0 message; batches are not supported. */
  invalid_request: [-32600, false],
  /** There is no such method in this direction. */
  method_not_found: [-32601, false],
  /** The parameters do not have the method's shape, or break a rule; the message says which. */
  invalid_params: [-32602, false],
  /** The called side failed; the message is its own. */
  internal_error: [-32603, false],
  /** The called side is stopping and takes no new calls. */
  shutting_down: [-32001, true],
  /** No answer came within the call's deadline. */
  timeout: [-32002, true],
  /** A queue, a size or a rate is at its limit; the message names it. */
  limit_exceeded: [-32003, true],
  /** The caller may not do this. */
  denied: [-32004, false],
  /** The disk or the quota is full; nothing was changed. */
  storage_full: [-32005, true],
  /** The stored data cannot be read; an operator must look. */
  storage_corrupt: [-32006, false],
  /** Nobody is signed in, or the sign-in has ended. */
  auth_required: [-32007, false],
  /** The thing that was named does not exist. */
  not_found: [-32008, false],
  /** Somebody else owns the name, or the state does not allow it. */
  conflict: [-32009, false],
  /** The service's provider is gone, or is not there yet. */
  unavailable: [-32010, true],
  /** Nobody provides the service; `data.service` names it. */
  no_provider: [-32011, false],
  /** The caller withdrew the call. */
  cancelled: [-32800, false],
} as const;
