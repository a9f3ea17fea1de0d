"""Where a conversation stands that comes whole with each request: its messages are read again, within bounds.

The record of risk and the emotional state are no part of a request, so they are rebuilt: the seeker's earlier
messages are read, and go through guard and tracker as they did when they were said. That costs one reading a
message (some 10 to 30 ms of a core), so it is bounded: the newest `NEWEST` messages, and of those before them the
newest `SPOKEN_OUT` that speak of death in plain words, which a cheap look at the words finds.

A client that comes back with the same history and one exchange more costs one reading: where a history led to is
remembered under a keyed hash of it. No message stands there; states may hold a few words that a change of mood is
put down to. It is forgotten after an hour, or when others need the room, and with the process.
"""

from __future__ import annotations

import asyncio
import hashlib
import secrets
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

from agent.loop import Agent
from agent.perception import in_thread
from agent.protocols import Recalled
from agent.safety.answered import speaks_of_death
from agent.safety.course import RiskCourse
from agent.safety.reliance import Reliance
from agent.safety.sitting import Sitting
from agent.state import EmotionalState
from agent.turn import Message, Turn, new_turn

__all__ = ["NEWEST", "SPOKEN_OUT", "Replay"]

NEWEST = 24
SPOKEN_OUT = 8
_REMEMBERED = 2_000  # some 10 kB each
_SECONDS = 3_600.0
_AT_ONCE = 2  # histories that are read at one time, so that long ones do not hold up everybody


@dataclass(frozen=True, slots=True)
class _Standing:
    """Where a history led to, and when that was found."""

    state: EmotionalState | None = None
    course: RiskCourse | None = None
    reliance: Reliance | None = None
    sitting: Sitting | None = None
    found: float = 0.0


class Replay:
    """Follows given histories anew.

    Args:
        most: Histories whose end is remembered.
        clock: Tells seconds that pass.
    """

    def __init__(self, *, most: int = _REMEMBERED, clock: Callable[[], float] = time.monotonic) -> None:
        self._known: OrderedDict[bytes, _Standing] = OrderedDict()
        self._most, self._clock = most, clock
        self._secret = secrets.token_bytes(32)
        self._turnstile = asyncio.Semaphore(_AT_ONCE)

    async def recalled(self, agent: Agent, owner: str, history: Sequence[Message]) -> Recalled:
        """What a store would recall, had it kept this conversation.

        Args:
            agent: Whose parts read and follow.
            owner: Whose conversation it is and which profile answers: others find nothing of it.
            history: What was said, oldest first.
        """
        keys = self._keys(owner, history)
        known, start = _Standing(), 0
        for end in range(len(history), 0, -1):
            if (found := self._found(keys[end])) is not None:
                known, start = found, end
                break
        places = _chosen([p for p in range(start, len(history)) if history[p].role == "seeker"], history)
        if places:
            async with self._turnstile:
                known = await in_thread(partial(_followed, agent, known, history, places))
            self._remember(keys[-1], known)
        turns = sum(message.role == "seeker" for message in history)
        return Recalled(tuple(history), known.state, turns, known.course, known.reliance, sitting=known.sitting)

    def note(self, owner: str, history: Sequence[Message], turn: Turn) -> None:
        """Remember where a finished turn led to.

        Args:
            owner: As for `recalled`.
            history: With the turn's own messages at its end.
            turn: As it ended.
        """
        state, course = turn.state or turn.state_before, turn.course or turn.course_before
        standing = _Standing(state, course, turn.reliance or turn.reliance_before, turn.sitting)
        self._remember(self._keys(owner, history)[-1], standing)

    def _keys(self, owner: str, history: Sequence[Message]) -> list[bytes]:
        """One for each beginning of the history, the empty one first."""
        so_far = hashlib.blake2b(owner.encode(), key=self._secret, digest_size=16)
        keys = [so_far.digest()]
        for message in history:
            words = message.text.encode("utf-8", "surrogatepass")
            so_far.update(f"{message.role}:{len(words)}:".encode() + words)
            keys.append(so_far.digest())
        return keys

    def _found(self, key: bytes) -> _Standing | None:
        found = self._known.get(key)
        if found is None or self._clock() - found.found > _SECONDS:
            return None
        self._remember(key, found)
        return found

    def _remember(self, key: bytes, standing: _Standing) -> None:
        now = self._clock()
        self._known[key] = replace(standing, found=now)
        self._known.move_to_end(key)
        while self._known:
            oldest = next(iter(self._known.values()))
            if len(self._known) <= self._most and now - oldest.found <= _SECONDS:
                break
            self._known.popitem(last=False)


def _chosen(places: Sequence[int], history: Sequence[Message]) -> list[int]:
    """Which messages are read again, in order."""
    older = [place for place in places[:-NEWEST] if speaks_of_death(history[place].text)]
    return [*older[-SPOKEN_OUT:], *places[-NEWEST:]]


def _followed(agent: Agent, standing: _Standing, history: Sequence[Message], places: Sequence[int]) -> _Standing:
    """Where the messages at these places lead to. Each sees as much of what was said before as it did then."""
    numbers = {
        place: number for number, place in enumerate(p for p, m in enumerate(history) if m.role == "seeker")
    }
    turns = [
        new_turn(
            history[place].text,
            index=numbers[place],
            history=tuple(history[max(0, place - 2 * agent.history_turns) : place]),
        )
        for place in places
    ]
    for read in agent.perception.read(turns):
        turn = replace(
            read,
            state_before=standing.state,
            course_before=standing.course,
            reliance_before=standing.reliance,
            sitting_before=standing.sitting,
        )
        turn = _stepped(agent, turn)
        standing = _Standing(
            turn.state or standing.state,
            turn.course or standing.course,
            turn.reliance or standing.reliance,
            standing.sitting,  # nobody knows when these messages came
        )
    return standing


def _stepped(agent: Agent, turn: Turn) -> Turn:
    """Through guard and tracker, as in the loop: one that fails leaves what was before."""
    try:
        turn = turn if agent.guard is None else agent.guard.screen(turn)
    except Exception:  # noqa: BLE001 - a stranger's part; the turn that is answered meets it again, and tells
        turn = replace(turn, course=turn.course_before)
    try:
        return turn if agent.tracker is None else turn.fill(state=agent.tracker.update(turn))
    except Exception:  # noqa: BLE001 - the same
        return turn
