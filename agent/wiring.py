"""Parts say what they read and write; this checks, when the agent is built, that it fits."""

from __future__ import annotations

from collections.abc import Sequence
from graphlib import CycleError, TopologicalSorter
from typing import Protocol

from agent.errors import WiringError
from agent.protocols import Plugin
from agent.turn import DECISION_FIELDS, GIVEN_FIELDS, READING_FIELDS

__all__ = ["Reader", "check_part", "check_parts", "order_plugins"]


class Reader(Protocol):
    """A part that says what it reads."""

    name: str
    reads: frozenset[str]


def order_plugins(plugins: Sequence[Plugin]) -> tuple[Plugin, ...]:
    """The plugins, each after those whose readings it reads.

    Raises:
        WiringError: Two have one name or write one field; one writes a field that plugins do not
            write, or reads one that nobody writes; or they wait for each other.
    """
    writers: dict[str, Plugin] = {}
    seen: set[str] = set()
    for plugin in plugins:
        if plugin.name in seen:
            raise WiringError(f"Two plugins are called {plugin.name!r}. Leave one out of `plugins`.")
        seen.add(plugin.name)
        if plugin.writes not in READING_FIELDS:
            choices = ", ".join(sorted(READING_FIELDS))
            raise WiringError(f"Plugin {plugin.name!r} writes `{plugin.writes}`. Plugins write one of: {choices}.")
        if plugin.writes in writers:
            other = writers[plugin.writes].name
            raise WiringError(
                f"Plugins {other!r} and {plugin.name!r} both write `{plugin.writes}`. Leave one out of `plugins`."
            )
        writers[plugin.writes] = plugin
    for plugin in plugins:
        check_part("plugin", plugin, written=frozenset(writers))
    # Sorted: the order of a set changes from process to process.
    waits = {plugin.writes: sorted(plugin.reads & writers.keys()) for plugin in plugins}
    try:
        return tuple(writers[name] for name in TopologicalSorter(waits).static_order())
    except CycleError as error:
        circle = " -> ".join(error.args[1])
        raise WiringError(f"Plugins wait for each other: {circle}. One must not read the other.") from error


def check_part(kind: str, part: Reader, *, written: frozenset[str]) -> None:
    """Refuse a part that reads what nobody provides.

    Args:
        kind: What the part is, for the message.
        part: The part.
        written: Fields that earlier parts write.

    Raises:
        WiringError: It reads a field that does not exist or that no earlier part writes.
    """
    for name in sorted(part.reads):
        if name in GIVEN_FIELDS or name in written:
            continue
        if name not in READING_FIELDS | DECISION_FIELDS:
            choices = ", ".join(sorted(GIVEN_FIELDS | READING_FIELDS | DECISION_FIELDS))
            raise WiringError(f"The {kind} {part.name!r} reads `{name}`, which no turn has. Fields: {choices}.")
        raise WiringError(
            f"The {kind} {part.name!r} reads `{name}`, which nothing before it writes. "
            f"Add a part that writes `{name}`, or leave {part.name!r} out."
        )


def check_parts(parts: Sequence[tuple[str, Reader | None, str | None]], *, written: frozenset[str]) -> None:
    """Check parts in the order in which they run.

    Args:
        parts: For each what it is, the part or None, and the field that it writes, if any.
        written: Fields that the plugins write.

    Raises:
        WiringError: As `check_part`.
    """
    for kind, part, writes in parts:
        if part is not None:
            check_part(kind, part, written=written)
            written |= {writes} if writes else frozenset()
