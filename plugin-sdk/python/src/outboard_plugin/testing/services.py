"""What a plugin under test may ask: the supervisor's services, small and in memory.

Held by the testing host. Answers as the supervisor does, errors included; durable is nothing here.
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


@dataclass
class Services:
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
    answers: dict[str, Callable[[Any], Any]] = field(default_factory=dict)
    """The test's own answers by method, called with the parameters, before ours: to fail, to be slow, to count."""

    async def answer(self, method: str, params: Any) -> Any:
        """Answers one context call."""
        own = self.answers.get(method)
        if own is not None:
            result = own(params)
            return await result if inspect.isawaitable(result) else result
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
            raise _unknown(f"airline.{verb}; give the test's own answer in host.services.answers")
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


def _unknown(method: str) -> CallError:
    return CallError(ErrorReason.METHOD_NOT_FOUND, f"the testing host does not know the method {method}")
