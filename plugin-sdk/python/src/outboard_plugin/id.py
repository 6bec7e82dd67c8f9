"""Names that have rules: route prefixes, channels, config keys, database files, services.

The host checks them all again; they are checked here so that an author's mistake raises where it was made. Must not
know where names come from or what they are used for.
"""

from __future__ import annotations

import re

from .error import CallError, ErrorReason

# Ids that the shell itself owns below /api/. The host lets a plugin mount there whose manifest names the path with a service.
RESERVED_IDS = ("auth", "config", "flight-events", "plugins-config", "simulator")
# The operator's pages have this name, and no plugin has this id.
OPERATOR_LABEL = "outboard"
# What else stands at the root of a site, whatever its case.
RESERVED_ROOTS = ("api", "mcp")
# Endings of files that browsers, crawlers and service workers ask of a site as a whole, at its root.
SITE_FILES = (
    "js", "mjs", "cjs", "ico", "txt", "xml", "json", "webmanifest", "png", "svg", "html", "htm", "wasm",
)  # fmt: skip
# Longest names, in bytes; the same figures as the host's.
PREFIX_MAX = 256
CHANNEL_MAX = 256
CONFIG_KEY_MAX = 256
DATABASE_FILE_MAX = 128
SERVICE_NAME_MAX = 64
SERVICE_MEMBER_MAX = 128

_PREFIX = re.compile(r"(/[A-Za-z0-9][A-Za-z0-9._~-]*)+")
_PLUGIN_ID = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")
_DATABASE_FILE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*")
_SERVICE_NAME = re.compile(r"[a-z][a-z0-9]*(\.[a-z0-9-]+)*")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_SIDE_FILES = ("-wal", "-shm", "-journal")


def refuse(kind: str, given: object, rule: str) -> CallError:
    """The error for a name that broke its rule."""
    shown = repr(given)
    shown = shown if len(shown) <= 80 else f"{shown[:80]}…"
    return CallError(ErrorReason.INVALID_PARAMS, f"{kind} {shown} is not valid: {rule}")


def route_prefix(prefix: str) -> str:
    """A path below which a plugin answers HTTP, such as ``/api/landing-log``."""
    if not isinstance(prefix, str) or len(prefix) > PREFIX_MAX or not _PREFIX.fullmatch(prefix):
        raise refuse(
            "route prefix",
            prefix,
            "begin with '/', do not end with one, and use plain segments of letters, digits, '-', '.', '_' and '~' "
            "that begin with a letter or digit; at most 256 bytes",
        )
    root, _, below = prefix[1:].partition("/")
    if root.lower() in RESERVED_ROOTS:
        name = below.split("/")[0]
        if root != "api" or not below:
            raise refuse("route prefix", prefix, "this path belongs to the supervisor; choose another")
        if name in RESERVED_IDS:
            return prefix
        if name.lower() in RESERVED_IDS:
            raise refuse("route prefix", prefix, "this path belongs to the shell; choose another")
        if not _PLUGIN_ID.fullmatch(name) or name == OPERATOR_LABEL:
            raise refuse("route prefix", prefix, "below /api stands the id of a plugin, in small letters")
    elif not below and root.rpartition(".")[2].lower() in SITE_FILES and "." in root:
        raise refuse(
            "route prefix",
            prefix,
            "a file at the root speaks for the whole site, not for one plugin; choose a path without such an ending",
        )
    return prefix


def channel(name: str) -> str:
    """The leaf name of a channel between a plugin and its UI."""
    if isinstance(name, str) and name.startswith("plugin:"):
        raise refuse(
            "channel", name, "give the leaf name alone; the prefix plugin:{id}: is added at both ends"
        )
    return _text("channel", name, CHANNEL_MAX)


def config_key(key: str) -> str:
    """A key in a plugin's configuration."""
    return _text("config key", key, CONFIG_KEY_MAX)


def database_file(file: str) -> str:
    """The name of a database file in a plugin's own data folder: one plain file name, never a path."""
    if not isinstance(file, str) or len(file) > DATABASE_FILE_MAX or not _DATABASE_FILE.fullmatch(file):
        raise refuse(
            "database file",
            file,
            "give a plain file name of letters, digits, '.', '_' and '-', beginning with a letter, digit or '_', at "
            "most 128 bytes; it is opened in the plugin's own data folder",
        )
    if file.endswith(_SIDE_FILES):
        raise refuse(
            "database file", file, "-wal, -shm and -journal are the names of SQLite's own side files"
        )
    return file


def service(name: str) -> str:
    """The name of a service, such as ``flight`` or ``acme.billing``."""
    if not isinstance(name, str) or len(name) > SERVICE_NAME_MAX or not _SERVICE_NAME.fullmatch(name):
        raise refuse(
            "service",
            name,
            "use lower-case letters and digits, beginning with a letter; further parts follow a dot and may have "
            "hyphens, as in acme.billing; at most 64 bytes",
        )
    return name


def service_member(name: str) -> str:
    """The name of a method or an event of a service."""
    return _text("method or event of a service", name, SERVICE_MEMBER_MAX)


def is_below(path: str, prefix: str) -> bool:
    """Whether ``path`` is ``prefix`` or lies below it, segment by segment."""
    return path == prefix or path.startswith(f"{prefix}/")


def _text(kind: str, text: str, longest: int) -> str:
    size = len(text.encode("utf-8", "surrogatepass")) if isinstance(text, str) else 0
    if not 0 < size <= longest or _CONTROL.search(text):
        raise refuse(kind, text, f"use 1 to {longest} bytes without control characters")
    return text
