"""Where conversations that are brought along stood when they were last brought (`agent.resumed`).

What a conversation led to is remembered under a keyed hash of it, packed. No message stands there; states may hold
a few words that a change of mood is put down to. It is forgotten after an hour without use, or when others need
the room, and with the process.
"""

from __future__ import annotations

import hashlib
import json
import secrets
import time
import zlib
from array import array
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from threading import Lock
from typing import Any

from agent.errors import StoreError
from agent.loop import Agent
from agent.protocols import Recalled
from agent.record import pack, unpack
from agent.resumed import recent, resumed
from agent.turn import Message, Turn

__all__ = ["REMEMBERED", "Pasts"]

REMEMBERED = 2_000
"""Conversations that are remembered: 1.4 kB each, packed; as objects 10 kB."""

_SECONDS = 3_600.0
_QUICKLY = 1  # half a millisecond in all; slower ways save 7%
_WINDOW, _WORK = 13, 5  # 8 kB, and it works in 48 kB; usual are 256 kB, which take twice as long and save nothing
_LENGTH = 4  # bytes that say how long what follows is


@dataclass(frozen=True, slots=True)
class _Known:
    """Where a conversation led to, without its messages and packed, and when that was last asked for."""

    past: bytes
    used: float


class Pasts:
    """Where conversations that are brought along stand. May be shared by threads and event loops.

    Args:
        most: Conversations that are remembered.
        clock: Tells seconds that pass.
    """

    def __init__(self, *, most: int = REMEMBERED, clock: Callable[[], float] = time.monotonic) -> None:
        self._known: OrderedDict[bytes, _Known] = OrderedDict()
        self._most, self._clock, self._lock = most, clock, Lock()
        self._secret = secrets.token_bytes(32)
        self._names = b""  # of labels and strategies: they are the same in all of them, and half of each

    async def of(self, agent: Agent, said: Sequence[Message], *, owner: str = "") -> Recalled:
        """As `resumed`, from the longest part that is known.

        Args:
            agent: Follows what is not known yet.
            said: What was said, oldest first.
            owner: Whose conversation it is and who answers: others find nothing of it.

        Raises:
            InputError: A message of the seeker is too long.
        """
        keys = self._keys(owner, said)
        start, before = self._longest(keys)
        earlier = recent(said[:start], agent)
        past = await resumed(agent, said[start:], replace(before, messages=earlier))
        if len(said) > start:
            self._remember(keys[-1], past)
        return past

    def known(self, said: Sequence[Message], *, owner: str = "") -> Recalled:
        """What the longest part that is known led to, without its messages; nothing is read.

        Args:
            said: As for `of`.
            owner: As for `of`.
        """
        return self._longest(self._keys(owner, said))[1]

    def keep(self, said: Sequence[Message], turn: Turn, *, owner: str = "") -> None:
        """Remember where a finished turn led to, so that its message is not read again.

        Args:
            said: What was said, the turn's own messages with it, as the next request will bring them. The reply is
                one of them: who says the same to somebody else has not been told yet that this is an AI.
            turn: As it ended.
            owner: As for `of`.
        """
        before = Recalled(state=turn.state_before, course=turn.course_before, reliance=turn.reliance_before)
        past = replace(before.after(turn), turns=turn.index + 1, sitting=turn.sitting)
        self._remember(self._keys(owner, said)[-1], past)

    def _keys(self, owner: str, said: Sequence[Message]) -> list[bytes]:
        """One for each beginning, the empty one first."""
        so_far = hashlib.blake2b(owner.encode(), key=self._secret, digest_size=16)
        keys = [so_far.digest()]
        for message in said:
            words = message.text.strip().encode("utf-8", "surrogatepass")
            so_far.update(f"{message.role}:{len(words)}:".encode() + words)
            keys.append(so_far.digest())
        return keys

    def _longest(self, keys: Sequence[bytes]) -> tuple[int, Recalled]:
        """How many messages of the longest known beginning there are, and what it led to."""
        for end in range(len(keys) - 1, 0, -1):
            if (found := self._found(keys[end])) is not None:
                return end, found
        return 0, Recalled()

    def _found(self, key: bytes) -> Recalled | None:
        with self._lock:
            found = self._known.get(key)
        if found is None or self._clock() - found.used > _SECONDS:
            return None
        self._put(key, found.past)
        return unpack(Recalled, self._opened(found.past), at="past")

    def _remember(self, key: bytes, past: Recalled) -> None:
        try:
            packed = pack(replace(past, messages=()), at="past")
        except StoreError:  # a stranger's tracker made what no store could keep: it is followed anew
            return
        self._put(key, self._squeezed(packed))

    def _squeezed(self, packed: Any) -> bytes:
        """Its fractions as they lie in memory, since digits take more, then the rest as JSON: both squeezed."""
        numbers = array("d")

        def noted(number: str) -> float:
            numbers.append(float(number))
            return 0.0

        rest = json.loads(json.dumps(packed), parse_float=noted)
        with self._lock:
            self._names = self._names or _json(_emptied(rest))
        fractions = _squeeze(numbers.tobytes())
        return len(fractions).to_bytes(_LENGTH) + fractions + _squeeze(_json(rest), self._names)

    def _opened(self, past: bytes) -> Any:
        end = _LENGTH + int.from_bytes(past[:_LENGTH])
        numbers = iter(array("d", zlib.decompress(past[_LENGTH:end])))
        rest = zlib.decompressobj(zdict=self._names).decompress(past[end:])
        return json.loads(rest, parse_float=lambda _: next(numbers))

    def _put(self, key: bytes, past: bytes) -> None:
        now = self._clock()
        with self._lock:
            self._known[key] = _Known(past, now)
            self._known.move_to_end(key)
            while self._known:
                oldest = next(iter(self._known.values()))
                if len(self._known) <= self._most and now - oldest.used <= _SECONDS:
                    break
                self._known.popitem(last=False)


def _squeeze(packed: bytes, known: bytes = b"") -> bytes:
    work = zlib.compressobj(_QUICKLY, wbits=_WINDOW, memLevel=_WORK, zdict=known)
    return work.compress(packed) + work.flush()


def _json(packed: Any) -> bytes:
    return json.dumps(packed, separators=(",", ":")).encode()


def _emptied(packed: Any) -> Any:
    """The names in it alone, and nothing of anybody."""
    if isinstance(packed, dict):
        return {name: _emptied(value) for name, value in packed.items()}
    if isinstance(packed, list):
        return [_emptied(value) for value in packed]
    return 0.0 if isinstance(packed, float) else None
