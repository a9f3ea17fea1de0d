"""The acts of a reply by the names that the scripts use."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from evals.safety import forbidden, required
from evals.safety.said import Said
from evals.safety.scenarios import FORBIDDEN, REQUIRED

__all__ = ["CHECKS", "acts_of"]

CHECKS: Mapping[str, Callable[[Said], bool]] = MappingProxyType(
    {name: getattr(required, name) for name in REQUIRED} | {name: getattr(forbidden, name) for name in FORBIDDEN}
)
"""Each gets a reply with the one before it, and says whether the act is done."""


def acts_of(text: str, *, before: str = "") -> tuple[str, ...]:
    """Names of all acts that a reply does, in the order of `CHECKS`.

    Args:
        text: The reply.
        before: The reply before it; empty at the start.
    """
    said = Said(text, before)
    return tuple(name for name, check in CHECKS.items() if check(said))
