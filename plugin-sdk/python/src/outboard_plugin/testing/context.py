"""What a plugin under test may ask: the supervisor's side of ``ctx``, small and in memory.

Held by the testing host as its ``world``. Answers as the supervisor does, errors included; durable is nothing here.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from .. import id as names
from .. import tagged
from ..context import Airline
from ..error import CallError, ErrorReason


@dataclass(frozen=True)
class Event:
    """One ``ctx.ipc.send``."""

    channel: str
    payload: Any
    retained: bool = False
    """Whether it is kept for whoever connects later."""


@dataclass(frozen=True)
class LogRecord:
    """One ``ctx.logger`` call."""

    level: str
    tag: str
    message: str
    extra: Any = None


@dataclass(frozen=True)
class Emitted:
    """One ``ctx.service(…).emit``."""

    service: str
    event: str
    payload: Any
    to: str | None = None
    """The one plugin that gets it; None: all that listen."""
    latest: bool = False
    """Only the newest counts."""


Method = Callable[[Any], Any]


@dataclass
class World:
    """The state behind ``ctx``, open to the test."""

    config: dict[str, Any] = field(default_factory=dict)
    """What was set; the test may read and write it."""
    defaults: dict[str, Any] = field(default_factory=dict)
    """What the manifest's ``availableSettings`` declare."""
    token: str | None = None
    """The host's sign-in, for ``ctx.auth``."""
    airline: Airline | None = None
    fresh_tokens: list[str] = field(default_factory=list)
    """The bearers that ``airline.refresh`` gives, one an exchange; empty: the refresh is refused."""
    refreshes: int = 0
    """How many exchanges there were."""
    taken_prefixes: dict[str, str] = field(default_factory=dict)
    """Prefixes that other plugins own, with their ids."""
    prefixes: list[str] = field(default_factory=list)
    channels: set[str] = field(default_factory=set)
    databases: list[str] = field(default_factory=list)
    """The files of ``ctx.database.open``."""
    database_bytes: int | None = None
    """How large each database may become; 0: there is no room for a new one."""
    events: list[Event] = field(default_factory=list)
    logs: list[LogRecord] = field(default_factory=list)
    services: dict[str, dict[str, Method]] = field(default_factory=dict)
    """What others provide: functions of the parameters, by service and method."""
    subscriptions: set[tuple[str, str]] = field(default_factory=set)
    """The services and events that the plugin is subscribed to."""
    emitted: list[Emitted] = field(default_factory=list)
    """The events of services that the plugin provides."""
    asked: list[dict[str, Any]] = field(default_factory=list)
    """The parameters of each ``service.ask``; the default counts, since there is nobody else here."""
    replies: list[dict[str, Any]] = field(default_factory=list)
    """The parameters of each ``service.reply``."""
    answers: dict[str, Callable[[Any], Any]] = field(default_factory=dict)
    """The test's own answers by method, called with the parameters, before ours: to fail, to be slow, to count."""

    async def answer(self, method: str, params: Any) -> Any:
        """Answers one context call."""
        own = self.answers.get(method)
        if own is not None:
            return await _result(own, params)
        if method == "service.call":
            return await self._call_service(params)
        namespace, _, verb = method.partition(".")
        served = getattr(self, f"_{namespace}", None)
        if served is None or not verb:
            raise _unknown(method)
        return served(verb, params)

    def told(self, method: str, params: dict[str, Any]) -> None:
        """Takes one notification."""
        if method == "log":
            self.logs.append(
                LogRecord(params["level"], params["tag"], params["message"], params.get("extra"))
            )
        elif method == "ipc.send":
            payload = tagged.decode(params.get("payload"))
            self.events.append(Event(params["channel"], payload, params.get("retain", False)))
        elif method == "service.emit":
            self.emitted.append(
                Emitted(
                    params["service"],
                    params["event"],
                    tagged.decode(params.get("payload")),
                    params.get("to"),
                    params.get("latest", False),
                )
            )
        elif method == "service.reply":
            self.replies.append(params)

    def _config(self, verb: str, params: dict[str, Any]) -> Any:
        values = {**self.defaults, **self.config}
        if verb == "getAll":
            return {"values": values}
        key = names.config_key(params["key"])
        if verb == "get":
            return {"value": values.get(key, params.get("default")), "found": key in values}
        if verb == "set":
            self.config[key] = params["value"]
            return {}
        if verb == "delete":
            deleted = key in self.config
            self.config.pop(key, None)
            return {"deleted": deleted}
        raise _unknown(f"config.{verb}")

    def _ipc(self, verb: str, params: dict[str, Any]) -> Any:
        channel = names.channel(params["channel"])
        if verb == "handle":
            self.channels.add(channel)
        elif verb == "removeHandler":
            self.channels.discard(channel)
        else:
            raise _unknown(f"ipc.{verb}")
        return {}

    def _auth(self, verb: str, params: dict[str, Any]) -> Any:
        if verb == "isAuthenticated":
            return {"authenticated": self.token is not None}
        if verb == "getToken":
            return {"token": self.token}
        raise _unknown(f"auth.{verb}")

    def _airline(self, verb: str, params: dict[str, Any]) -> Any:
        bound = self.airline
        if verb == "getCurrent":
            wire = bound and {"id": bound.id, "baseUrl": bound.base_url, "token": bound.token}
            return {"airline": wire}
        if verb != "refresh":
            raise _unknown(f"airline.{verb}; give the test's own answer in host.world.answers")
        if bound is not None and bound.token is not None and bound.token != params.get("staleToken"):
            return {"token": bound.token}
        self.refreshes += 1
        if bound is None or not self.fresh_tokens:
            raise CallError(ErrorReason.AUTH_REQUIRED, "the airline refused the refresh token")
        token = self.fresh_tokens.pop(0)
        self.airline = Airline(bound.id, bound.base_url, token)
        return {"token": token}

    def _database(self, verb: str, params: dict[str, Any]) -> Any:
        if verb != "open":
            raise _unknown(f"database.{verb}")
        self.databases.append(names.database_file(params["file"]))
        if self.database_bytes == 0:
            raise CallError(
                ErrorReason.STORAGE_FULL,
                "there is no room for a new database; raise `limits.data` in the settings",
            )
        limit = {} if self.database_bytes is None else {"maxBytes": self.database_bytes}
        return {"path": params["file"], **limit}

    def _server(self, verb: str, params: dict[str, Any]) -> Any:
        prefix = names.route_prefix(params["prefix"])
        if verb == "register":
            owner = self.taken_prefixes.get(prefix)
            if owner is not None:
                raise CallError(ErrorReason.CONFLICT, f"{prefix} belongs to the plugin {owner}")
            self.prefixes.append(prefix)
            return {"url": f"http://127.0.0.1:2066{prefix}"}
        if verb == "unregister":
            self.prefixes.remove(prefix)
            return {}
        raise _unknown(f"server.{verb}")

    def _service(self, verb: str, params: dict[str, Any]) -> Any:
        wanted = names.service(params["service"]), names.service_member(params["event"])
        if verb == "subscribe":
            self.subscriptions.add(wanted)
        elif verb == "unsubscribe":
            self.subscriptions.discard(wanted)
        elif verb == "ask":
            self.asked.append(params)
            return {"value": params.get("default"), "because": f"{params['to']} is not there"}
        else:
            raise _unknown(f"service.{verb}")
        return {}

    async def _call_service(self, params: dict[str, Any]) -> Any:
        service, method = names.service(params["service"]), names.service_member(params["method"])
        methods = self.services.get(service)
        if methods is None:
            raise CallError(
                ErrorReason.NO_PROVIDER,
                f"nobody provides {service} here; host.service({service!r}).provide(…) does",
                {"service": service},
            )
        function = methods.get(method)
        if function is None:
            raise CallError(ErrorReason.METHOD_NOT_FOUND, f"service {service} has no method {method!r}")
        return tagged.encode(await _result(function, tagged.decode(params.get("params"))))


async def _result(function: Callable[[Any], Any], params: Any) -> Any:
    result = function(params)
    return await result if inspect.isawaitable(result) else result


def _unknown(method: str) -> CallError:
    return CallError(ErrorReason.METHOD_NOT_FOUND, f"the testing host does not know the method {method}")
