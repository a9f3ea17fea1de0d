"""Runs the plugins over turns. One that fails never ends a turn; the turn records it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import Any, TypeVar

from agent.batching import AS_COMES, Batches, Batching
from agent.decisions import StageFailure
from agent.errors import HeartlineError, PluginError
from agent.once import remembering
from agent.protocols import Plugin
from agent.threads import start
from agent.turn import READING_TYPES, Turn
from agent.wiring import order_plugins

__all__ = ["Perception", "failure_of", "in_thread"]

ResultT = TypeVar("ResultT")


def failure_of(stage: str, part: str, error: Exception) -> StageFailure:
    """What a turn keeps of an error.

    The message only of our own errors: a stranger's exception may quote the person's words.
    """
    message = str(error) if isinstance(error, HeartlineError) else ""
    return StageFailure(stage, part, type(error).__name__, message)


class Perception:
    """An ordered set of plugins.

    Args:
        plugins: In any order; they are sorted by what they read.
        seconds: Longest that `perceive` waits for one turn.
        batching: How `perceive` reads turns together.

    Raises:
        WiringError: They do not fit together (see `agent.wiring`).
    """

    def __init__(self, plugins: Sequence[Plugin], *, seconds: float = 5.0, batching: Batching = AS_COMES) -> None:
        self.plugins = order_plugins(plugins)
        self.seconds = seconds
        self.writes = frozenset(plugin.writes for plugin in self.plugins)
        steps = [partial(_apply, plugin) for plugin in self.plugins]
        self._batches = Batches(steps, batching, around=remembering)

    def read(self, turns: Sequence[Turn]) -> list[Turn]:
        """The turns with their readings, in the same order. Batches where plugins can."""
        filled = list(turns)
        with remembering():
            for plugin in self.plugins:
                filled = _apply(plugin, filled)
        return filled

    async def perceive(self, turn: Turn) -> Turn:
        """One turn, read in a thread, so that other conversations go on, with those that came meanwhile.

        Where the time is up, what was read until then is kept, and the rest counts as failed. A
        plugin that hangs is left behind in its thread, which ends with the process.
        """
        steps = await self._batches.read(turn, seconds=self.seconds)
        unread = self.plugins[len(steps) - 1 :]
        return steps[-1].note(*(failure_of("perceive", plugin.name, TimeoutError()) for plugin in unread))


def in_thread(work: Callable[[], ResultT]) -> asyncio.Future[ResultT]:
    """A future with what `work` gives.

    Not `asyncio.to_thread`: see `agent.threads`.
    """
    loop = asyncio.get_running_loop()
    future: asyncio.Future[ResultT] = loop.create_future()

    def settle(give: Callable[[], None]) -> None:
        if not future.done():  # else it was given up on
            give()

    def run() -> None:
        try:
            give = partial(future.set_result, work())
        except BaseException as error:  # noqa: BLE001 - it is raised where the future is awaited
            give = partial(future.set_exception, error)
        with suppress(RuntimeError):  # the loop was closed meanwhile: nobody waits any more
            loop.call_soon_threadsafe(settle, give)

    start(run)
    return future


def _apply(plugin: Plugin, turns: list[Turn]) -> list[Turn]:
    """Fill one plugin's field where what it needs is there."""
    waiting = {
        i for i, turn in enumerate(turns) if all(getattr(turn, name) is not None for name in _needs(plugin))
    }
    out = [turn if i in waiting else _skip(plugin, turn) for i, turn in enumerate(turns)]
    rows = sorted(waiting)
    for start_row, result in _run(plugin, [turns[i] for i in rows]):
        i = rows[start_row]
        if isinstance(result, Exception):
            out[i] = turns[i].note(failure_of("perceive", plugin.name, result))
        elif result is not None:  # None: the plugin says that it cannot tell
            out[i] = turns[i].fill(**{plugin.writes: result})
    return out


def _needs(plugin: Plugin) -> frozenset[str]:
    """Readings that must be there. A conversation's first turn has no `state_before`, and may run."""
    return plugin.reads & READING_TYPES.keys()


def _skip(plugin: Plugin, turn: Turn) -> Turn:
    missing = sorted(name for name in _needs(plugin) if getattr(turn, name) is None)
    reason = f"skipped: no reading of {', '.join(missing)}"
    return turn.note(StageFailure("perceive", plugin.name, "Skipped", reason))


def _run(plugin: Plugin, turns: list[Turn]) -> list[tuple[int, Any]]:
    """Row and reading or exception. A batch that fails is run turn by turn, to lose only the bad ones."""
    if not turns:
        return []
    try:
        return list(enumerate(_checked(plugin, turns)))
    except Exception as error:  # noqa: BLE001 - a plugin is a stranger's code, and must not end the turn
        if len(turns) == 1:
            return [(0, error)]
    return [(row, result) for row, turn in enumerate(turns) for _, result in _run(plugin, [turn])]


def _checked(plugin: Plugin, turns: list[Turn]) -> Sequence[Any]:
    readings = plugin(turns)
    if len(readings) != len(turns):
        raise PluginError(f"Plugin {plugin.name!r} gave {len(readings)} readings for {len(turns)} turns.")
    expected = READING_TYPES[plugin.writes]
    for reading in readings:
        if reading is not None and not isinstance(reading, expected):
            raise PluginError(
                f"Plugin {plugin.name!r} gave a {type(reading).__name__} for `{plugin.writes}`; "
                f"it takes {expected.__name__}."
            )
    return readings
