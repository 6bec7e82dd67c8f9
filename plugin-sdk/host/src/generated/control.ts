//! The control API, as types. GENERATED from the control table in proto-schema: do not edit; run `make schema`.

/** A binding without its secrets. */
export interface AirlineName {
  /** Origin of the airline's API. */
  baseUrl: string;
  /** The airline's id as the host knows it. */
  id: string;
}

/** Parameters of `airline.set`. */
export interface AirlineSetParams {
  /** Origin of the airline's API. */
  baseUrl: string;
  /** The airline's id. */
  id: string;
  /** How it is exchanged, where that differs from OAuth 2.0's refresh_token grant. */
  refreshFormat?: RefreshFormat | null;
  /** What is exchanged for a new bearer. It never leaves the supervisor but for the exchange. */
  refreshToken?: string | null;
  /** Where it is exchanged. */
  refreshUrl?: string | null;
  /** The bearer. */
  token?: string | null;
}

/** The bound airline without its secrets. */
export interface AirlineStatus {
  /** The airline; null when there is none. */
  airline: AirlineName | null;
  /** Whether a refresh token and a place to exchange it are stored. */
  canRefresh: boolean;
  /** Whether a bearer is stored. */
  hasToken: boolean;
}

/** Parameters of `auth.set`. */
export interface AuthSetParams {
  /** The host's bearer token. */
  token: string;
}

/** Whether somebody is signed in; never the token. */
export interface AuthStatus {
  /** Whether somebody is signed in. */
  authenticated: boolean;
}

/** Parameters of `backup`. */
export interface BackupParams {
  /** The archive that is made, plain tar; an absolute path at which there is nothing yet. */
  file: string;
}

/** A backup that was made. */
export interface BackupReport {
  /** Its length. */
  bytes: number;
  /** Where it is. */
  file: string;
  /** The databases in it, as paths in the archive. */
  files: string[];
  /** Databases of plugins that could not be copied, each with the reason. */
  skipped: string[];
}

/** An event that a plugin pushed to its UIs. */
export interface BusEvent {
  /** The leaf name of the channel. */
  channel: Channel;
  /** Any JSON. */
  payload: unknown;
  /** Whose it is. */
  plugin: PluginId;
  /** Present where the value was kept and is told again: which process of the plugin had sent it. */
  replayed?: number | null;
}

/** The leaf name of a channel, without `plugin:{id}:`: 1 to 256 bytes, no control characters. */
export type Channel = string;

/** Answer to `config.delete`. */
export interface ConfigDeleteResult {
  /** Whether there was a value. */
  deleted: boolean;
}

/** What was set for some plugins, as a document. Keys that an import does not name are left as they are. */
export interface ConfigDocument {
  /** Every key that was set with its value, by plugin. */
  plugins: Record<string, Record<string, unknown>>;
  /** 1. */
  version: number;
}

/** One key of a plugin's configuration. */
export interface ConfigEntry {
  /** The key. */
  key: string;
  /** Where the value comes from. */
  source: ConfigSource;
  /** What `config.get` answers, as it is kept. */
  value: unknown;
  /** The manifest's default, where it declares one. */
  default?: unknown;
  /** `user` or `airline`, where the manifest declares the key. */
  scope?: SettingScope | null;
}

/** Parameters of `config.import`. */
export interface ConfigImportParams {
  /** What is to be set, as `config.export` answers it. */
  document: ConfigDocument;
  /** Which plugin; the document may hold no other. */
  id: PluginId;
}

/** What an import came to. */
export interface ConfigImportReport {
  /** How many keys were set. */
  imported: number;
}

/** A key in the plugin's configuration: 1 to 256 bytes, no control characters. */
export type ConfigKey = string;

/** Parameters that name a config key. */
export interface ConfigKeyParams {
  /** Which plugin. */
  id: PluginId;
  /** Which key. */
  key: ConfigKey;
}

/** Parameters of `config.set`. */
export interface ConfigSetParams {
  /** Which plugin. */
  id: PluginId;
  /** Which key. */
  key: ConfigKey;
  /** Any JSON. It is kept as it is written, so that no number loses a digit. */
  value: unknown;
}

/** Where a config value comes from. */
export type ConfigSource = "stored" | "default";

/** A file of a data folder. */
export interface DataFile {
  /** Its length. */
  bytes: number;
  /** Its name in the folder. */
  name: string;
}

/** A plugin's data folder, measured now. */
export interface DataReport {
  /** The plain files in it, by name. */
  files: DataFile[];
  /** Where it is; it need not exist. */
  folder: string;
  /** What the plugin opened, and how much there is. */
  use: DataUse;
}

/** What a plugin opened, and how much its data folder holds. */
export interface DataUse {
  /** Bytes in its data folder, as last measured. */
  bytes: number;
  /** Names of the database files that it was granted since the supervisor started. */
  opened: string[];
  /** How many it may have. */
  quota: number;
}

/** What an operator wants. */
export type Desired = "up" | "down";

/** What is wrong with a plugin in the making, as its author is told. */
export interface DevelopmentFault {
  /** What, a sentence. */
  message: string;
  /** The column in that, from 1. */
  column?: number | null;
  /** What was said about it, line by line. */
  details?: string;
  /** The author's file, where it is known. */
  file?: string | null;
  /** The lines around it. */
  frame?: string | null;
  /** The line in it, from 1. */
  line?: number | null;
}

/** Parameters of `development.tell`. */
export interface DevelopmentParams {
  /** Which plugin. */
  id: PluginId;
  /** What is wrong, shown over its pages until this is told again without it. */
  fault?: DevelopmentFault | null;
  /** Whether its pages are to load anew, since its UI is another one now. */
  reload?: boolean;
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

/** One end of a process, and what was decided upon it. */
export interface ExitRecord {
  /** When, RFC 3339. */
  at: string;
  /** Whether it left a core dump. */
  coreDumped: boolean;
  /** What was decided, in words: `restart at once`, `restart in 500 ms`, `errored: …`. */
  decision: string;
  /** How it ended, in words: `killed by SIGKILL`, `exited with code 3`, `cannot spawn: …`. */
  ended: string;
  /** The exit code, where it exited. */
  exitCode: number | null;
  /** Which process, counted from 1. */
  generation: number;
  /** The calls that were in flight, by name. */
  inFlight: string[];
  /** The state or phase in which it ended. */
  phase: string;
  /** Its pid; null when it could not be spawned. */
  pid: number | null;
  /** The signal's name, where a signal ended it. */
  signal: string | null;
  /** The last lines of its standard error, oldest first. */
  stderr: string[];
  /** How long it ran, in milliseconds. */
  uptimeMs: number;
  /** What to try, where it is a mistake that is often made; null for most. */
  advice?: string | null;
  /** What belongs to it and takes several lines, such as the stack of a start that failed; null for most. */
  detail?: string | null;
}

/** Something that the host application may want to act upon. */
export type HostEvent = {
  /** The plugin as it is now. */
  status: PluginStatus;
  type: "plugin.state";
} | {
  /** Why, a sentence without secrets. */
  reason: string;
  type: "auth.required";
} | {
  /** Whether somebody is signed in now. */
  authenticated: boolean;
  type: "auth.changed";
} | {
  /** Which; null: none. */
  airline: AirlineName | null;
  type: "airline.changed";
} | {
  /** What the folder holds. */
  bytes: number;
  /** Whether it holds as much as it may: no new database is granted, and those that are there may not grow. */
  full: boolean;
  /** Whose it is. */
  plugin: PluginId;
  /** What it may hold. */
  quota: number;
  type: "database.quota";
} | {
  /** The stable word of [`Trouble::kind`]. */
  kind: string;
  /** What is wrong and what to do, a sentence; null: it is over. */
  says: string | null;
  type: "host.trouble";
} | {
  /** How many. */
  count: number;
  type: "lost";
};

/** Parameters of `ipc.invoke`. */
export interface InvokeParams {
  /** Which channel. */
  channel: Channel;
  /** Which plugin. */
  id: PluginId;
  /** The arguments, in order. */
  args?: unknown[];
  /** How long to wait, in milliseconds; the setting for host calls when absent. */
  timeoutMs?: number | null;
}

/** How much a record matters. */
export type LogLevel = "debug" | "info" | "warn" | "error";

/** Parameters of `logs.level.set`. */
export interface LogLevelParams {
  /** Which plugin. */
  id: PluginId;
  /** Its least level from now on; null or absent: the common one again. */
  level?: LogLevel | null;
}

/** The least level that is kept of a plugin. */
export interface LogLevelReport {
  /** The level. */
  level: LogLevel;
  /** Whether it is the plugin's own, and not the common one. */
  own: boolean;
}

/** One log record, as it stands in the file. */
export interface LogRecord {
  /** Which process of the plugin wrote it. */
  generation: number;
  /** How much it matters. */
  level: LogLevel;
  /** What it says. Control characters are escaped. */
  message: string;
  /** Whose it is; null for the supervisor's own. */
  plugin: string | null;
  /** Where it came from. */
  source: LogSource;
  /** Which part of the plugin speaks. */
  tag: string;
  /** When the supervisor had it, RFC 3339. */
  time: string;
  /** Anything else. */
  extra?: unknown;
}

/** Where a log record came from. */
export type LogSource = "logger" | "stdout" | "stderr" | "supervisor";

/** Which log records are wanted. */
export interface LogsParams {
  /** Records whose message contains this text. */
  contains?: string | null;
  /** One plugin; all of them, and the supervisor itself, when absent. */
  id?: PluginId | null;
  /** This level and above. */
  level?: LogLevel | null;
  /** How many of the latest records. */
  lines?: number | null;
  /** Records of this moment and later, RFC 3339. */
  since?: string | null;
  /** Exactly this tag. */
  tag?: string | null;
  /** Records of this moment and earlier, RFC 3339. */
  until?: string | null;
}

/** Parameters of a method that takes none: an empty object, or nothing at all. */
export type NoParams = Record<string, never>;

/** A plugin's id: 1 to 64 lower-case letters, digits and hyphens, beginning with a letter or digit. */
export type PluginId = string;

/** Parameters that name a plugin. */
export interface PluginParams {
  /** Which plugin. */
  id: PluginId;
}

/** What a plugin does at one moment. */
export type PluginState = "stopped" | "starting" | "running" | "stopping" | "backing-off" | "errored" | "invalid";

/** One plugin at one moment. */
export interface PluginStatus {
  /** Why it is in this state, a sentence; null where there is nothing to explain. */
  cause: string | null;
  /** The stable word of the cause of an errored plugin, such as `crash-loop`; `ui-only` for a plugin that has a UI and nothing to run; else null. */
  causeCode: string | null;
  /** Whether an operator wants it up. */
  desired: Desired;
  /** False: disabled by an operator, and not started with the supervisor. */
  enabled: boolean;
  /** How many processes it has had since the supervisor started. */
  generation: number;
  /** Its id; of an invalid plugin, the name of its folder. */
  id: string;
  /** Its folder. */
  installDir: string;
  /** The name that people see. */
  name: string;
  /** The phase within starting and stopping; else null. */
  phase: string | null;
  /** The plugin's process; null while there is none. */
  pid: number | null;
  /** How many of them were started after an unexpected exit. */
  restarts: number;
  /** The prefixes below which it answers HTTP. */
  routes: string[];
  /** When the present state began, RFC 3339. */
  since: string;
  /** What it does. */
  state: PluginState;
  /** The address at which a browser on this machine shows its UI; null where it has none, or where browsers are served no pages. */
  ui: string | null;
  /** The installed version; empty where the manifest cannot be read. */
  version: string;
  /** Its databases, once it has opened one. */
  data?: DataUse | null;
  /** What is amiss with its manifest and not fatal. */
  warnings?: string[];
}

/** What a host application that provides a service is told. */
export type ProvideItem = {
  type: "holds";
  /** Who provides the service in its place; absent where it is the one. It takes over as soon as its turn comes. */
  instead?: string | null;
} | {
  /** The call's id. */
  call: string;
  /** Whose call it is. */
  caller: PluginId;
  /** The method. */
  method: ServiceMember;
  /** What the method takes, as the consumer sent it. */
  params: unknown;
  /** The service. */
  service: ServiceName;
  /** How long the consumer waits, in milliseconds. */
  timeoutMs: number;
  type: "call";
} | {
  /** The call's id. */
  call: string;
  type: "cancelled";
} | {
  /** The plugins that are subscribed now; empty when nobody listens any more. */
  consumers: PluginId[];
  /** The event. */
  event: ServiceMember;
  /** The service. */
  service: ServiceName;
  type: "subscribed";
};

/** Parameters of `service.provide`. */
export interface ProvideParams {
  /** The service to provide, for as long as the subscription lasts. */
  service: ServiceName;
  /** The HTTP that comes with it. */
  http?: ProvidedHttp | null;
}

/** The shell's own paths that a host application answers while it provides a service, and where it listens: at a port or at a socket. */
export interface ProvidedHttp {
  /** The paths, such as `/api/config`, each with all that lies below it: 1 to 16. */
  prefixes: RoutePrefix[];
  /** A port of 127.0.0.1. */
  port?: number | null;
  /** A Unix socket: an absolute path. */
  socket?: string | null;
}

/** How the request of a refresh is written. */
export type RefreshBody = "form" | "json";

/** How a refresh token is exchanged. The default is OAuth 2.0's refresh_token grant: a form with `grant_type` and `refresh_token`, answered by JSON with `access_token` and perhaps a new `refresh_token`. */
export interface RefreshFormat {
  /** Name of the answer's member that carries the new bearer. */
  accessTokenField?: string;
  /** `form` or `json`. */
  body?: RefreshBody;
  /** Further members of the request, such as `client_id`. */
  extra?: Record<string, string>;
  /** Name of the answer's member that may carry a new refresh token. */
  newRefreshTokenField?: string;
  /** Name of the request's member that carries the refresh token. */
  refreshTokenField?: string;
}

/** What a rescan found. */
export interface RescanReport {
  /** New plugins, by id. */
  added: string[];
  /** Plugins whose version or manifest changed. */
  changed: string[];
  /** Folders that cannot be used, with the reason. */
  invalid: Record<string, string>;
  /** Plugins whose folder is gone. */
  removed: string[];
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

/** Parameters of `service.answer`. */
export interface ServiceAnswerParams {
  /** The call's id. */
  call: string;
  /** Why it failed; with it, `result` is ignored. */
  error?: RpcError | null;
  /** What is answered: any JSON; absent counts as null. */
  result?: unknown;
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

/** The name of a method or an event of a service: 1 to 128 bytes, no control characters. */
export type ServiceMember = string;

/** The name of a service: lower-case letters and digits, beginning with a letter, and further parts after dots, which may have hyphens; at most 64 bytes. */
export type ServiceName = string;

/** Whether a service is answered. */
export type ServiceState = "available" | "starting" | "unavailable" | "unprovided";

/** One service: who provides it, who uses it, and how much. */
export interface ServiceStatus {
  /** Calls so far. */
  calls: number;
  /** The plugins that are subscribed to events of it. */
  consumers: PluginId[];
  /** Those of them that failed. */
  errors: number;
  /** Events so far. */
  events: number;
  /** Events that were left out because too much waited for a consumer, each consumer counted. */
  missed: number;
  /** Calls that wait for their answers. */
  openCalls: number;
  /** Who would provide it as well, in the order of their coming. */
  others: string[];
  /** Who provides it, in words such as `plugin sim-bridge` or `the host application`; null where nobody does. */
  provider: string | null;
  /** Its name. */
  service: ServiceName;
  /** Events that a newer one replaced before a slow consumer had them, each consumer counted. */
  skipped: number;
  /** Whether it is answered. */
  state: ServiceState;
  /** Why it is not available; absent while it is. */
  because?: string | null;
  /** The shell's own paths that come with it, which its provider answers. */
  prefixes?: RoutePrefix[];
}

/** Who sets a setting. */
export type SettingScope = "user" | "airline";

/** Parameters of `status`. */
export interface StatusParams {
  /** One plugin; all of them when absent. */
  id?: PluginId | null;
}

/** The supervisor and its plugins at one moment. */
export interface StatusReport {
  /** Where it keeps what must last. */
  dataDir: string;
  /** The keeper above it, if there is one. */
  keeperPid: number | null;
  /** The address that people reach, `ADDR:PORT`, with the real port. */
  listen: string;
  /** How many log records were not kept since it started: the disk refused them, or they came too fast. */
  logRecordsDropped: number;
  /** The origin at which the operator's pages are, such as `http://outboard.localhost:2066`; null where browsers are served none. */
  pages: string | null;
  /** The supervisor's process. */
  pid: number;
  /** The plugin folders, in the order in which they are read. */
  pluginDirs: string[];
  /** The plugins, by id. */
  plugins: PluginStatus[];
  /** The services that are provided, wanted or chosen, by name. */
  services: ServiceStatus[];
  /** Whether all plugins' pages share one origin (`isolate_origins = false`). */
  sharedOrigin: boolean;
  /** When it started, RFC 3339. */
  since: string;
  /** The product's version. */
  version: string;
  /** Whether plugins are held back until a host signs in. */
  waitingForSignIn: boolean;
  /** What is amiss with the supervisor itself, and with no plugin; empty while all is well. */
  troubles?: Trouble[];
}

/** Something that is amiss with the supervisor itself: a file that is gone, a folder that was removed, a shortage of the machine. */
export interface Trouble {
  /** A stable word for programs, such as `state-file`, `log-files`, `runtime-folder`. */
  kind: string;
  /** What is wrong and what to do, a sentence. */
  says: string;
}

/** Why a plugin is as it is. */
export interface WhyReport {
  /** What happened, latest first. */
  history: ExitRecord[];
  /** The plugin now. */
  status: PluginStatus;
}

/** What may be asked, by name. */
export interface ControlCalls {
  /** The OpenRPC document of everything that may be asked here. */
  "rpc.discover": { params: NoParams; result: unknown };
  /** The supervisor and its plugins at this moment, or one plugin. */
  "status": { params: StatusParams; result: StatusReport };
  /** Start a plugin, and forget its earlier failures. Answered when it runs, or when it is clear that it will not. */
  "start": { params: PluginParams; result: PluginStatus };
  /** Stop a plugin until the next start, of itself or of the supervisor. Answered when nothing of it is left running. */
  "stop": { params: PluginParams; result: PluginStatus };
  /** Stop a plugin and start it again. */
  "restart": { params: PluginParams; result: PluginStatus };
  /** Start a plugin now and with every start of the supervisor. */
  "enable": { params: PluginParams; result: PluginStatus };
  /** Stop a plugin now, and do not start it with the supervisor. */
  "disable": { params: PluginParams; result: PluginStatus };
  /** Read the plugin folders again, and say what was found. */
  "rescan": { params: NoParams; result: RescanReport };
  /** Why a plugin is as it is: its state, and the ends of its processes with what was decided upon each. */
  "why": { params: PluginParams; result: WhyReport };
  /** The latest log records, oldest first. */
  "logs": { params: LogsParams; result: LogRecord[] };
  /** The least level that is kept of a plugin's log. */
  "logs.level": { params: PluginParams; result: LogLevelReport };
  /** Set the least level that is kept of a plugin's log. It holds until the supervisor ends. */
  "logs.level.set": { params: LogLevelParams; result: LogLevelReport };
  /** The value of a plugin's key, and where it comes from. */
  "config.get": { params: ConfigKeyParams; result: ConfigEntry };
  /** Set a plugin's key. Answered when the value is on disk. */
  "config.set": { params: ConfigSetParams; result: Empty };
  /** Forget a plugin's key. Answered when the deletion is on disk. */
  "config.delete": { params: ConfigKeyParams; result: ConfigDeleteResult };
  /** Every key of a plugin with its value: those that were set, and the manifest's defaults for the others. */
  "config.list": { params: PluginParams; result: ConfigEntry[] };
  /** What was set for a plugin, as one document, without defaults. */
  "config.export": { params: PluginParams; result: ConfigDocument };
  /** Set everything that a document holds for a plugin. All of it is on disk when this is answered, or nothing was changed. */
  "config.import": { params: ConfigImportParams; result: ConfigImportReport };
  /** A plugin's data folder, measured now. */
  "databases": { params: PluginParams; result: DataReport };
  /** Copy the supervisor's database and those of plugins into one new file. Answered when it is on disk, complete and under its name. */
  "backup": { params: BackupParams; result: BackupReport };
  /** Sign in: plugins read the token from now on. */
  "auth.set": { params: AuthSetParams; result: AuthStatus };
  /** Sign out. */
  "auth.clear": { params: NoParams; result: AuthStatus };
  /** Whether somebody is signed in. */
  "auth.status": { params: NoParams; result: AuthStatus };
  /** Bind the host to an airline. */
  "airline.set": { params: AirlineSetParams; result: AirlineStatus };
  /** Bind the host to no airline. */
  "airline.clear": { params: NoParams; result: AirlineStatus };
  /** The airline that the host is bound to, without its secrets. */
  "airline.status": { params: NoParams; result: AirlineStatus };
  /** Call a channel that a plugin handles, as its UI does. The answer is the plugin's, any JSON; so are errors with other codes. */
  "ipc.invoke": { params: InvokeParams; result: unknown };
  /** Every service that is provided, wanted or chosen: who provides it, who uses it, and how much. */
  "services": { params: NoParams; result: ServiceStatus[] };
  /** Answer a call that came by `service.provide` on this connection, once. `not_found`: nobody waits for it any more. */
  "service.answer": { params: ServiceAnswerParams; result: Empty };
  /** An event of a service that this connection provides. Events reach their consumers in the order in which they were sent, whether or not each is awaited. */
  "service.emit": { params: ServiceEmitParams; result: Empty };
  /** Ask one consumer of a service that this connection provides, by an event. The answer is the consumer's, or the stated default. */
  "service.ask": { params: ServiceAskParams; result: ServiceAskResult };
  /** Tell a plugin's open pages how its making goes: what is wrong with it, that it is well again, or that they are to load anew. Pages that are opened later hear of a fault too. `outboard dev` says it. */
  "development.tell": { params: DevelopmentParams; result: Empty };
}

/** What may be subscribed to, by the name of the call that begins it. */
export interface ControlSubscriptions {
  /** The latest log records, then those that come: none twice, none left out. */
  "logs.subscribe": { params: LogsParams; item: LogRecord; notification: "logs.record"; unsubscribe: "logs.unsubscribe" };
  /** What a plugin pushes to its UIs. Values that are kept come first. */
  "events.subscribe": { params: PluginParams; item: BusEvent; notification: "events.event"; unsubscribe: "events.unsubscribe" };
  /** State changes of plugins, and what else the host application may want to act upon. */
  "host.subscribe": { params: NoParams; item: HostEvent; notification: "host.event"; unsubscribe: "host.unsubscribe" };
  /** Provide a service for as long as the subscription lasts: calls come by it, and are answered by `service.answer`. */
  "service.provide": { params: ProvideParams; item: ProvideItem; notification: "service.provided"; unsubscribe: "service.withdraw" };
}

/** The names of each subscription's notifications, and of the call that ends it. */
export const SUBSCRIPTIONS = {
  "logs.subscribe": { notification: "logs.record", unsubscribe: "logs.unsubscribe" },
  "events.subscribe": { notification: "events.event", unsubscribe: "events.unsubscribe" },
  "host.subscribe": { notification: "host.event", unsubscribe: "host.unsubscribe" },
  "service.provide": { notification: "service.provided", unsubscribe: "service.withdraw" },
} as const satisfies { [S in keyof ControlSubscriptions]: Pick<ControlSubscriptions[S], "notification" | "unsubscribe"> };
