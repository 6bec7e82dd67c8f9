"""The words of the protocol. GENERATED from the method table in proto-schema: do not edit; run
``make schema``.
"""

from __future__ import annotations

from typing import Any, Literal, Protocol, TypedDict, Union, overload

CallId = Union[int, str]
"""The id of a call: a number or a string."""

Channel = str
"""The leaf name of a channel, without `plugin:{id}:`: 1 to 256 bytes, no control characters."""

ConfigKey = str
"""A key in the plugin's configuration: 1 to 256 bytes, no control characters."""

DatabaseFile = str
"""A plain file name in the plugin's own data folder: 1 to 128 letters, digits, dots, underscores and hyphens; not one of SQLite's side files."""

Hook = Literal["onStart", "onStop", "onResume"]
"""A hook that a plugin may have."""

LogLevel = Literal["debug", "info", "warn", "error"]
"""How much a record matters."""

PluginId = str
"""A plugin's id: 1 to 64 lower-case letters, digits and hyphens, beginning with a letter or digit."""

RoutePrefix = str
"""A path below which a plugin answers HTTP: begins with a slash, does not end with one, and has plain segments only; at most 256 bytes."""

ServiceMember = str
"""The name of a method or an event of a service: 1 to 128 bytes, no control characters."""

ServiceName = str
"""The name of a service: lower-case letters and digits, beginning with a letter, and further parts after dots, which may have hyphens; at most 64 bytes."""

ServiceState = Literal["available", "starting", "unavailable", "unprovided"]
"""Whether a service is answered."""

StopReason = Literal["stopped", "restart", "update", "removed", "shutdown"]
"""Why a plugin is stopped."""


class Airline(TypedDict):
    """The bound airline, as `airline.getCurrent` tells it."""

    baseUrl: str
    """Origin of the airline's API, without a slash at the end."""

    id: str
    """The airline's id as the host knows it."""

    token: Union[str, None]
    """The bearer for it; null when the user is not signed in there."""


class AirlineChangedParams(TypedDict):
    """Parameters of the notification `airline.changed`."""

    airline: Union[AirlineName, None]
    """The new binding without its token, which is fetched and never pushed; null when there is none."""


class AirlineGetCurrentResult(TypedDict):
    """Answer to `airline.getCurrent`."""

    airline: Union[Airline, None]
    """The binding of this moment; null when there is none."""


class AirlineName(TypedDict):
    """A binding without its secrets."""

    baseUrl: str
    """Origin of the airline's API."""

    id: str
    """The airline's id as the host knows it."""


class AirlineRefreshParams(TypedDict, total=False):
    """Parameters of `airline.refresh`: a plugin saw a 401."""

    staleToken: Union[str, None]
    """The bearer that was refused. If the host holds another one by now, that one is the answer and nothing is exchanged."""


class AirlineRefreshResult(TypedDict):
    """Answer to `airline.refresh`. A refresh that is refused, or cannot be tried, is the error `auth_required`."""

    token: str
    """The bearer to use from now on."""


class _AirlineRequestParamsRequired(TypedDict):
    """Members that are always there."""

    method: str
    """The HTTP method, in capitals."""

    path: str
    """Path and query below the airline's origin, beginning with `/`."""


class AirlineRequestParams(_AirlineRequestParamsRequired, total=False):
    """Parameters of `airline.request`: one HTTP exchange with the airline, the bearer and its refresh included."""

    body: Any
    """A JSON body; `content-type: application/json` is added."""

    headers: dict[str, str]
    """Further request headers. `authorization`, `host` and those about framing are the host's to set."""


class AirlineRequestResult(TypedDict):
    """Answer to `airline.request`, whatever the status was."""

    body: Any
    """The body: parsed where it is JSON, else as text."""

    headers: dict[str, str]
    """The response's headers, names in lower case; values of a repeated header are joined by `, `."""

    status: int
    """The HTTP status."""


class AuthChangedParams(TypedDict):
    """Parameters of the notification `auth.changed`. The token itself is fetched, never pushed."""

    authenticated: bool
    """Whether somebody is signed in now."""


class AuthGetTokenResult(TypedDict):
    """Answer to `auth.getToken`."""

    token: Union[str, None]
    """The host's bearer token; null when nobody is signed in."""


class AuthIsAuthenticatedResult(TypedDict):
    """Answer to `auth.isAuthenticated`."""

    authenticated: bool
    """Whether somebody is signed in."""


class CancelParams(TypedDict):
    """Parameters of `$/cancelRequest`."""

    id: CallId
    """The id of the call, as its caller chose it."""


class ConfigChangedParams(TypedDict):
    """Parameters of the notification `config.changed`, sent to the plugin and to its UIs after a change is on disk."""

    deleted: bool
    """Whether the stored value was deleted (`value` is then the manifest's default, or null)."""

    key: ConfigKey
    """The key that changed."""

    value: Any
    """What `config.get` answers from now on; null when there is nothing left."""


class ConfigDeleteParams(TypedDict):
    """Parameters of `config.delete`. Answered when the deletion is on disk."""

    key: ConfigKey
    """The key to forget."""


class ConfigDeleteResult(TypedDict):
    """Answer to `config.delete`."""

    deleted: bool
    """Whether there was a value."""


class ConfigGetAllResult(TypedDict):
    """Answer to `config.getAll`."""

    values: dict[str, Any]
    """Every key with its value: those that were set, and the manifest's defaults for the others."""


class _ConfigGetParamsRequired(TypedDict):
    """Members that are always there."""

    key: ConfigKey
    """The key to read."""


class ConfigGetParams(_ConfigGetParamsRequired, total=False):
    """Parameters of `config.get`."""

    default: Any
    """What to answer when nothing was set and the manifest declares no default."""


class ConfigGetResult(TypedDict):
    """Answer to `config.get`."""

    found: bool
    """Whether a value was set, or is declared by the manifest. False: `value` is the caller's default, or null."""

    value: Any
    """The value; null when there is none."""


class ConfigSetParams(TypedDict):
    """Parameters of `config.set`. Answered when the value is on disk."""

    key: ConfigKey
    """The key to write."""

    value: Any
    """Its new value, any JSON."""


class DatabaseOpenParams(TypedDict):
    """Parameters of `database.open`."""

    file: DatabaseFile
    """A plain file name."""


class _DatabaseOpenResultRequired(TypedDict):
    """Members that are always there."""

    path: str
    """The absolute path to open. Its folder exists, 0700; the file may not yet."""


class DatabaseOpenResult(_DatabaseOpenResultRequired, total=False):
    """Answer to `database.open`."""

    maxBytes: Union[int, None]
    """How large the file may become, in bytes: what it has now, and what the quota of the plugin's data leaves. A database is held to it by `PRAGMA max_page_count`, which each connection needs for itself; the SDKs set it. Files that are open together are given the same room, so that each may come to the whole quota: the host measures their sum, and has less to grant the next time."""


class DatabaseQuotaParams(TypedDict):
    """Parameters of the notification `database.quota`."""

    bytes: int
    """What the plugin's data folder holds, in bytes."""

    full: bool
    """Whether it holds as much as it may: no new database is granted, and those that are there may not grow."""

    quota: int
    """What it may hold, in bytes."""


class Empty(TypedDict):
    """An empty object: parameters of a method that takes none, or the answer of one that gives none."""


class ErrorData(TypedDict, total=False):
    """The `data` member of an error: for programs, where the message is for people."""

    reason: str
    """The stable word of the code."""

    retryable: bool
    """Whether the same call may succeed later."""


class HostInfo(TypedDict):
    """Who runs the plugin."""

    name: str
    """Always `outboard`, unless another host speaks the protocol."""

    version: str
    """The host's product version; informative."""


class HttpInfo(TypedDict):
    """Where the plugin is reached over HTTP."""

    baseUrl: str
    """Origin of the supervisor, without a slash at the end."""

    prefix: str
    """The plugin's own prefix, `/api/<id>`."""


class InitializeParams(TypedDict):
    """Parameters of `initialize`, the first message of every session."""

    features: list[str]
    """Optional abilities of the host. Unknown ones are ignored."""

    host: HostInfo
    """The host."""

    http: HttpInfo
    """Where the plugin is reached over HTTP."""

    plugin: PluginInfo
    """The plugin, as the host knows it."""

    protocolVersions: list[int]
    """Every protocol version that the host speaks; the plugin answers with one of them."""


class _InitializeResultRequired(TypedDict):
    """Members that are always there."""

    protocolVersion: int
    """The version that both speak from now on."""


class InitializeResult(_InitializeResultRequired, total=False):
    """Answer to `initialize`."""

    features: list[str]
    """Optional abilities of the plugin; see [`features`]. Unknown ones are ignored."""

    hooks: list[Hook]
    """The hooks that the plugin has. `onResume` makes the host call `resume` after an update in place of `start`."""

    sdk: Union[SdkInfo, None]
    """What the plugin was built with; informative."""


class IpcChannelParams(TypedDict):
    """Parameters of `ipc.handle` and `ipc.removeHandler`."""

    channel: Channel
    """The leaf name of the channel."""


class IpcInvokeParams(TypedDict):
    """Parameters of the host call `ipc.invoke`: a UI or an operator asks; the plugin's answer is any JSON."""

    args: list[Any]
    """The arguments, in order."""

    channel: Channel
    """The leaf name of the channel."""


class _IpcSendParamsRequired(TypedDict):
    """Members that are always there."""

    channel: Channel
    """The leaf name of the channel."""


class IpcSendParams(_IpcSendParamsRequired, total=False):
    """Parameters of the notification `ipc.send`: every connected UI of this plugin gets it, and no other."""

    payload: Any
    """Any JSON; absent counts as null."""

    retain: bool
    """Keep it as the channel's last value: who subscribes later gets it too, marked as `replayed`. Null forgets what was kept."""


class _LogParamsRequired(TypedDict):
    """Members that are always there."""

    level: LogLevel
    """How much it matters."""


class LogParams(_LogParamsRequired, total=False):
    """Parameters of the notification `log`. Nothing is answered; a record that breaks a limit is cut, never refused."""

    extra: Any
    """Anything else, as JSON. An error object has `name`, `message` and `stack`."""

    message: str
    """What it says."""

    tag: str
    """Which part of the plugin speaks."""


class PluginInfo(TypedDict):
    """What the host knows of the plugin that it started."""

    dataDir: str
    """The plugin's own folder for what it keeps; made on first use by `database.open`, or by the plugin itself."""

    id: PluginId
    """The id from the manifest."""

    installDir: str
    """The folder that holds `plugin.json`; the process's working directory."""

    version: str
    """The version from the manifest."""


class _ProgressParamsRequired(TypedDict):
    """Members that are always there."""

    id: CallId
    """The id of the call, as its caller chose it."""


class ProgressParams(_ProgressParamsRequired, total=False):
    """Parameters of `$/progress`. Further members are for people to read."""

    message: Union[str, None]
    """What is being done, for people."""


class ResumeParams(TypedDict):
    """Parameters of `resume`."""

    fromVersion: str
    """The version that ran before the update."""


class _RpcErrorRequired(TypedDict):
    """Members that are always there."""

    code: int
    """One of the codes of the table; codes that are not in it are a plugin's own."""


class RpcError(_RpcErrorRequired, total=False):
    """The `error` member of a JSON-RPC response."""

    data: Union[ErrorData, None]
    """What programs may rely on."""

    message: str
    """A sentence: what was wrong, where, and what to do."""


class _SdkInfoRequired(TypedDict):
    """Members that are always there."""

    name: str
    """The SDK's name."""


class SdkInfo(_SdkInfoRequired, total=False):
    """What a plugin was built with."""

    language: str
    """The plugin's language."""

    version: str
    """The SDK's version."""


class ServerPrefixParams(TypedDict):
    """Parameters of `server.register` and `server.unregister`."""

    prefix: RoutePrefix
    """The path below which the plugin answers."""


class ServerRegisterResult(TypedDict):
    """Answer to `server.register`. A prefix that another plugin owns is the error `conflict`, which names the owner."""

    url: str
    """Where the prefix is reached from outside."""


class _ServiceAskParamsRequired(TypedDict):
    """Members that are always there."""

    event: ServiceMember
    """The event."""

    service: ServiceName
    """The service, which the sender provides."""

    to: PluginId
    """The consumer that is asked."""


class ServiceAskParams(_ServiceAskParamsRequired, total=False):
    """Parameters of `service.ask`: a provider asks one consumer, by an event that has to be answered."""

    default: Any
    """What counts as the answer where none comes: the consumer is not subscribed, is gone, fails, or is late. Absent counts as null."""

    payload: Any
    """Any JSON; absent counts as null."""

    timeoutMs: Union[int, None]
    """How long to wait for its answer, in milliseconds: 5 s unless said, an hour at most."""


class _ServiceAskResultRequired(TypedDict):
    """Members that are always there."""

    value: Any
    """What the consumer answered, or the default."""


class ServiceAskResult(_ServiceAskResultRequired, total=False):
    """Answer to `service.ask`."""

    because: Union[str, None]
    """Why it is the default; absent where the consumer answered."""


class _ServiceCallParamsRequired(TypedDict):
    """Members that are always there."""

    method: ServiceMember
    """The method, as the provider names it."""

    service: ServiceName
    """The service."""


class ServiceCallParams(_ServiceCallParamsRequired, total=False):
    """Parameters of `service.call`: a consumer asks the host, and the host asks the provider."""

    caller: Union[PluginId, None]
    """Whose call it is. The host says it to the provider; a consumer has no say in it, and what it sends here is ignored."""

    params: Any
    """What the method takes: any JSON; absent counts as null."""

    timeoutMs: Union[int, None]
    """How long the consumer waits, in milliseconds: 30 s unless said, an hour at most. Said where an answer waits for a person."""


class _ServiceChangedParamsRequired(TypedDict):
    """Members that are always there."""

    service: ServiceName
    """The service."""

    state: ServiceState
    """How it is now."""


class ServiceChangedParams(_ServiceChangedParamsRequired, total=False):
    """Parameters of the notification `service.changed`: what has become of a service that the plugin uses."""

    because: Union[str, None]
    """Why, for people; absent while it is available."""


class _ServiceEmitParamsRequired(TypedDict):
    """Members that are always there."""

    event: ServiceMember
    """The event."""

    service: ServiceName
    """The service, which the sender provides."""


class ServiceEmitParams(_ServiceEmitParamsRequired, total=False):
    """Parameters of the notification `service.emit`, from a provider."""

    latest: bool
    """Only the newest counts: it takes the place of an event of this name that still waits for a slow consumer."""

    payload: Any
    """Any JSON; absent counts as null."""

    to: Union[PluginId, None]
    """One consumer that gets it, if it is subscribed; all that are subscribed, when absent."""


class _ServiceEventParamsRequired(TypedDict):
    """Members that are always there."""

    event: ServiceMember
    """The event."""

    service: ServiceName
    """The service."""


class ServiceEventParams(_ServiceEventParamsRequired, total=False):
    """Parameters of the notification `service.event`."""

    answer: Union[str, None]
    """The provider waits for an answer from this consumer: send it by `service.reply` under this id."""

    missed: int
    """How many events of this subscription were left out before this one, because too much waited for the consumer. Absent: none."""

    payload: Any
    """Any JSON."""


class _ServiceReplyParamsRequired(TypedDict):
    """Members that are always there."""

    answer: str
    """The id that came with the event."""


class ServiceReplyParams(_ServiceReplyParamsRequired, total=False):
    """Parameters of the notification `service.reply`, from the consumer that was asked."""

    error: Union[RpcError, None]
    """Why there is no answer; the provider's default counts."""

    result: Any
    """What is answered: any JSON; absent counts as null."""


class ServiceSubscribeParams(TypedDict):
    """Parameters of `service.subscribe` and `service.unsubscribe`."""

    event: ServiceMember
    """The event, as the provider names it."""

    service: ServiceName
    """The service."""


class ServiceSubscribedParams(TypedDict):
    """Parameters of the notification `service.subscribed`: who listens to an event of a provider, whenever that changes."""

    consumers: list[PluginId]
    """The plugins that are subscribed now; empty when nobody listens any more."""

    event: ServiceMember
    """The event."""

    service: ServiceName
    """The service."""


class StopParams(TypedDict):
    """Parameters of `stop`."""

    reason: StopReason
    """Why the plugin is stopped."""


HOST_CALLS = (
    "initialize",
    "start",
    "resume",
    "stop",
    "ping",
    "ipc.invoke",
)
"""What the host asks of a plugin."""

HOST_NOTICES = (
    "config.changed",
    "auth.changed",
    "airline.changed",
    "database.quota",
    "service.event",
    "service.changed",
    "service.subscribed",
)
"""What the host tells a plugin."""

CONTEXT_CALLS = (
    "config.get",
    "config.set",
    "config.delete",
    "config.getAll",
    "ipc.handle",
    "ipc.removeHandler",
    "auth.isAuthenticated",
    "auth.getToken",
    "airline.getCurrent",
    "airline.refresh",
    "airline.request",
    "database.open",
    "server.register",
    "server.unregister",
    "service.subscribe",
    "service.unsubscribe",
    "service.ask",
)
"""What a plugin asks of the host."""

CONTEXT_NOTICES = (
    "log",
    "ipc.send",
    "service.emit",
    "service.reply",
)
"""What a plugin tells the host."""

BOTH_CALLS = (
    "service.call",
)
"""What either side asks of the other."""

BOTH_NOTICES = (
    "$/cancelRequest",
    "$/progress",
)
"""What either side tells the other."""

ERRORS = {
    "parse_error": (-32700, False),
    "invalid_request": (-32600, False),
    "method_not_found": (-32601, False),
    "invalid_params": (-32602, False),
    "internal_error": (-32603, False),
    "shutting_down": (-32001, True),
    "timeout": (-32002, True),
    "limit_exceeded": (-32003, True),
    "denied": (-32004, False),
    "storage_full": (-32005, True),
    "storage_corrupt": (-32006, False),
    "auth_required": (-32007, False),
    "not_found": (-32008, False),
    "conflict": (-32009, False),
    "unavailable": (-32010, True),
    "no_provider": (-32011, False),
    "cancelled": (-32800, False),
}
"""Code and retryability of every reason, by its word."""


class PluginSide(Protocol):
    """What a plugin may ask and tell."""

    @overload
    async def request(self, method: Literal["config.get"], params: ConfigGetParams) -> ConfigGetResult:
        """The value of a key: what was set, else the manifest's default, else the caller's."""

    @overload
    async def request(self, method: Literal["config.set"], params: ConfigSetParams) -> Empty:
        """Set a key. The answer means that the value is on disk."""

    @overload
    async def request(self, method: Literal["config.delete"], params: ConfigDeleteParams) -> ConfigDeleteResult:
        """Forget a key. The answer means that the deletion is on disk."""

    @overload
    async def request(self, method: Literal["config.getAll"]) -> ConfigGetAllResult:
        """Every key with its value."""

    @overload
    async def request(self, method: Literal["ipc.handle"], params: IpcChannelParams) -> Empty:
        """From now on the plugin answers `ipc.invoke` on this channel."""

    @overload
    async def request(self, method: Literal["ipc.removeHandler"], params: IpcChannelParams) -> Empty:
        """From now on it does not."""

    @overload
    async def request(self, method: Literal["auth.isAuthenticated"]) -> AuthIsAuthenticatedResult:
        """Whether somebody is signed in."""

    @overload
    async def request(self, method: Literal["auth.getToken"]) -> AuthGetTokenResult:
        """The host's bearer token."""

    @overload
    async def request(self, method: Literal["airline.getCurrent"]) -> AirlineGetCurrentResult:
        """The airline that the host is bound to, at this moment."""

    @overload
    async def request(self, method: Literal["airline.refresh"], params: AirlineRefreshParams) -> AirlineRefreshResult:
        """After a 401: exchange the stored refresh token for a new bearer. One exchange serves every plugin that asks."""

    @overload
    async def request(self, method: Literal["airline.request"], params: AirlineRequestParams) -> AirlineRequestResult:
        """One HTTP exchange with the airline, bearer and refresh included, for languages without an SDK."""

    @overload
    async def request(self, method: Literal["database.open"], params: DatabaseOpenParams) -> DatabaseOpenResult:
        """The path of an SQLite file in the plugin's own data folder, which is made if need be."""

    @overload
    async def request(self, method: Literal["server.register"], params: ServerPrefixParams) -> ServerRegisterResult:
        """Send HTTP requests below this prefix to the plugin."""

    @overload
    async def request(self, method: Literal["server.unregister"], params: ServerPrefixParams) -> Empty:
        """Send them no longer."""

    @overload
    async def request(self, method: Literal["service.subscribe"], params: ServiceSubscribeParams) -> Empty:
        """From now on the plugin gets `service.event` for this event, whoever provides the service, now or later."""

    @overload
    async def request(self, method: Literal["service.unsubscribe"], params: ServiceSubscribeParams) -> Empty:
        """From now on it does not."""

    @overload
    async def request(self, method: Literal["service.ask"], params: ServiceAskParams) -> ServiceAskResult:
        """From a provider: ask one consumer by an event. The answer is the consumer's, or the stated default."""

    @overload
    async def request(self, method: Literal["service.call"], params: ServiceCallParams) -> Any:
        """Call a method of a service. A consumer asks the host; the host asks the provider, with the caller's id."""

    @overload
    def notify(self, method: Literal["log"], params: LogParams) -> bool:
        """One log record."""

    @overload
    def notify(self, method: Literal["ipc.send"], params: IpcSendParams) -> bool:
        """Push an event to every connected UI of this plugin."""

    @overload
    def notify(self, method: Literal["service.emit"], params: ServiceEmitParams) -> bool:
        """From a provider: an event for the consumers that are subscribed to it."""

    @overload
    def notify(self, method: Literal["service.reply"], params: ServiceReplyParams) -> bool:
        """The answer to an event that came with an `answer` id."""

    @overload
    def notify(self, method: Literal["$/cancelRequest"], params: CancelParams) -> bool:
        """The caller no longer wants the answer. The called side still answers, with the error `cancelled` or with what it had."""

    @overload
    def notify(self, method: Literal["$/progress"], params: ProgressParams) -> bool:
        """The call with this id is still being worked on: its deadline starts anew."""


class HostSide(Protocol):
    """What a host may ask and tell."""

    @overload
    async def request(self, method: Literal["initialize"], params: InitializeParams) -> InitializeResult:
        """The first message of a session: the host says who it is, which protocol versions it speaks and where things are; the plugin answers with the version it chose and what it can do."""

    @overload
    async def request(self, method: Literal["start"]) -> Empty:
        """Run onStart. The answer means that the plugin is ready; an error means that it refused, and it is not started again by itself."""

    @overload
    async def request(self, method: Literal["resume"], params: ResumeParams) -> Empty:
        """Sent in place of start after an update, to a plugin that declared onResume."""

    @overload
    async def request(self, method: Literal["stop"], params: StopParams) -> Empty:
        """Run onStop. After the answer the plugin closes what it holds and exits; its standard input is closed next."""

    @overload
    async def request(self, method: Literal["ping"]) -> Empty:
        """Are you there? Any answer will do, an error too; several pings in a row that stay unanswered mean that the plugin hangs."""

    @overload
    async def request(self, method: Literal["ipc.invoke"], params: IpcInvokeParams) -> Any:
        """A UI or an operator calls a channel that the plugin handles."""

    @overload
    async def request(self, method: Literal["service.call"], params: ServiceCallParams) -> Any:
        """Call a method of a service. A consumer asks the host; the host asks the provider, with the caller's id."""

    @overload
    def notify(self, method: Literal["config.changed"], params: ConfigChangedParams) -> bool:
        """A value of this plugin's configuration changed, by whomever."""

    @overload
    def notify(self, method: Literal["auth.changed"], params: AuthChangedParams) -> bool:
        """Somebody signed in or out."""

    @overload
    def notify(self, method: Literal["airline.changed"], params: AirlineChangedParams) -> bool:
        """The host is bound to another airline, or to none."""

    @overload
    def notify(self, method: Literal["database.quota"], params: DatabaseQuotaParams) -> bool:
        """The plugin's data folder has come near its quota, or reached it."""

    @overload
    def notify(self, method: Literal["service.event"], params: ServiceEventParams) -> bool:
        """An event of a service that the plugin is subscribed to."""

    @overload
    def notify(self, method: Literal["service.changed"], params: ServiceChangedParams) -> bool:
        """A service that the plugin uses is answered, is answered no longer, or will be soon."""

    @overload
    def notify(self, method: Literal["service.subscribed"], params: ServiceSubscribedParams) -> bool:
        """To a provider: who is subscribed to one of its events, at its start and whenever that changes."""

    @overload
    def notify(self, method: Literal["$/cancelRequest"], params: CancelParams) -> bool:
        """The caller no longer wants the answer. The called side still answers, with the error `cancelled` or with what it had."""

    @overload
    def notify(self, method: Literal["$/progress"], params: ProgressParams) -> bool:
        """The call with this id is still being worked on: its deadline starts anew."""
