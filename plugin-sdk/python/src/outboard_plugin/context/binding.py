"""The airline that the host is bound to, as a plugin is told of it.

Read by ``airline`` and by its HTTP client; must not know how it is asked for.
"""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Airline:
    """The bound airline at one moment. The token does not show when this is printed."""

    id: str
    base_url: str
    """Origin of the airline's API, without a slash at the end."""
    token: str | None = field(repr=False)


@dataclass(frozen=True)
class AirlineName:
    """A binding without its secrets."""

    id: str
    base_url: str
