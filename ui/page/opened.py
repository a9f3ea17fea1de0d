"""Files that visitors opened, in memory alone, for a while."""

from __future__ import annotations

import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ui.dialogues import Spoken
from ui.trajectories import Step, Trajectory

__all__ = ["Conversation", "Opened"]

_SECONDS = 3600.0
_BYTES = 64_000_000  # of files; what is made of them takes some ten times as much


@dataclass(frozen=True, slots=True)
class Conversation:
    """A conversation to walk through.

    Attributes:
        title: What it is called on the page.
        steps: One for each message of the person.
        answers: What was said after each of them; empty where nothing was, or nobody says.
        id: In the store; empty where it came from a file.
    """

    title: str
    steps: tuple[Step, ...]
    answers: tuple[str, ...]
    id: str = ""

    @classmethod
    def of(cls, trajectory: Trajectory, *, said: Sequence[Spoken] = (), named: str = "") -> Conversation:
        """A conversation that was read.

        Args:
            trajectory: With its turns.
            said: All that was said, where the replies are not in the turns.
            named: Its id in the store.
        """
        steps = trajectory.steps
        answers = ["" if step.turn.reply is None else step.turn.reply.text for step in steps]
        place = -1
        for each in said:
            if each.role == "seeker":
                place += 1
            elif 0 <= place < len(answers):
                answers[place] = f"{answers[place]}\n{each.text}".strip()
        first = next((step.turn.text for step in steps if step.turn.text), "")
        return cls(" ".join(first.split()) or trajectory.id, steps, tuple(answers), named)


class Opened:
    """Holds what was opened until it has rested for an hour, or others need the room.

    Args:
        clock: Seconds, never going back.
        most: Bytes of files that are held together.
    """

    def __init__(self, *, clock: Callable[[], float] = time.monotonic, most: int = _BYTES) -> None:
        self._clock, self._most = clock, most
        self._held: OrderedDict[str, tuple[float, int, str, tuple[Conversation, ...]]] = OrderedDict()
        self._lock = threading.Lock()

    def put(self, conversations: Sequence[Conversation], *, of: str, size: int) -> str:
        """Hold conversations.

        Args:
            conversations: In the order in which they are shown.
            of: The mark of the visitor that they belong to.
            size: Bytes of the files that they came from.

        Returns:
            A name that nobody can guess.
        """
        name = secrets.token_urlsafe(16)
        with self._lock:
            self._held[name] = (self._clock(), size, of, tuple(conversations))
            self._let_go()
        return name

    def get(self, name: str, *, of: str) -> tuple[Conversation, ...]:
        """What a visitor opened; nothing where it was let go, or is somebody else's."""
        with self._lock:
            self._let_go()
            held = self._held.get(name)
            if held is None or held[2] != of:
                return ()
            self._held[name] = (self._clock(), *held[1:])
            self._held.move_to_end(name)
            return held[3]

    def _let_go(self) -> None:
        now = self._clock()
        while self._held:
            oldest = next(iter(self._held))
            rested = now - self._held[oldest][0] > _SECONDS
            if not rested and (
                sum(size for _, size, _, _ in self._held.values()) <= self._most or len(self._held) == 1
            ):
                return
            del self._held[oldest]
