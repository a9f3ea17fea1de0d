"""Who asks. The one place where a key is looked at."""

from __future__ import annotations

from dataclasses import dataclass

from fastapi import Request

__all__ = ["Tenant", "authorised", "has_keys"]


@dataclass(frozen=True, slots=True)
class Tenant:
    """Whom a request belongs to."""

    name: str


_ONLY = Tenant("default")


def authorised(request: Request) -> Tenant:  # noqa: ARG001 - a key will be read from it
    """Whom a request belongs to. There are no keys yet: everybody who reaches the server is the one tenant."""
    return _ONLY


def has_keys() -> bool:
    """Whether somebody without a key is turned away."""
    return False
