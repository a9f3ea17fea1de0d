"""Public test doubles. They are strict: too many calls fail, and so do too few.

generator = ScriptedGenerator("I hear you.")
agent = Agent(plugins=[FixedPlugin("emotion", a_reading())], generator=generator, ...)
...
generator.verify()
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from agent.asking import Choice
from agent.decisions import Blocked, Objection, PromptMessage, Reply, Verdict
from agent.errors import PluginError
from agent.readings import DANGER, EmotionReading
from agent.turn import Turn

__all__ = [
    "BrokenPlugin",
    "FixedPlugin",
    "ScriptedAsker",
    "ScriptedGenerator",
    "ScriptedGuard",
    "ScriptedVerifier",
    "a_reading",
    "a_turn",
]


def a_turn(text: str = "I lost my keys and I am late.", **fields: Any) -> Turn:
    """A turn with sound ids; any field can be given."""
    given: dict[str, Any] = {"id": "turn-1", "conversation_id": "conversation-1", "index": 0, "text": text}
    return Turn(**(given | fields))


def a_reading(label: str = "anxious", probability: float = 0.7) -> EmotionReading:
    """A reading over two labels: `label`, and `"content"` (or `"sad"`) with the rest."""
    other = "sad" if label == "content" else "content"
    return EmotionReading("test-2", {label: probability, other: 1 - probability}, source="testing")


class FixedPlugin:
    """Gives the same reading for every turn and counts its calls."""

    def __init__(
        self, writes: str, reading: Any, *, name: str | None = None, reads: Sequence[str] = ("text",)
    ) -> None:
        self.name = name or f"fixed-{writes}"
        self.reads = frozenset(reads)
        self.writes = writes
        self.reading = reading
        self.seen: list[Turn] = []

    def __call__(self, turns: Sequence[Turn]) -> Sequence[Any]:
        """The fixed reading, once per turn."""
        self.seen.extend(turns)
        return [self.reading for _ in turns]


class BrokenPlugin:
    """Fails on turns whose text holds `on`; on every turn where `on` is empty."""

    def __init__(self, writes: str, *, on: str = "", error: Exception | None = None) -> None:
        self.name = f"broken-{writes}"
        self.reads = frozenset({"text"})
        self.writes = writes
        self.on = on
        self.error = error or PluginError(f"Plugin {self.name!r} fails on purpose.")

    def __call__(self, turns: Sequence[Turn]) -> Sequence[Any]:
        """Nothing, or the error."""
        if any(self.on in turn.text for turn in turns):
            raise self.error
        return [None for _ in turns]


class ScriptedGenerator:
    """Says what it was given, one script per turn.

    Args:
        *scripts: A text, said word by word; or pieces to say and then an exception to raise.
        name: Its name.
        reads: Fields it needs.

    Raises:
        AssertionError: It is asked more often than it has scripts (`verify` tells of that again), or
            `verify` finds some left.
    """

    def __init__(
        self, *scripts: str | Sequence[str | Exception], name: str = "scripted", reads: Sequence[str] = ("text",)
    ) -> None:
        self.name = name
        self.reads = frozenset(reads)
        self.turns: list[Turn] = []
        self._scripts = list(scripts)
        self._given = len(scripts)

    async def generate(self, turn: Turn) -> AsyncGenerator[str | Reply]:
        """The next script."""
        self.turns.append(turn)
        if not self._scripts:
            raise AssertionError(f"{self.name!r} was asked {len(self.turns)} times and has no script left.")
        script = self._scripts.pop(0)
        pieces = script.split(" ") if isinstance(script, str) else list(script)
        said = ""
        for number, piece in enumerate(pieces):
            if isinstance(piece, Exception):
                raise piece
            text = piece if number == 0 or not isinstance(script, str) else f" {piece}"
            said += text
            yield text
        yield Reply(said, speaker=self.name)

    def verify(self) -> None:
        """Fail if it was not asked once for each script. An agent goes on where a generator fails."""
        if len(self.turns) > self._given:
            scripts = f"{self._given} script{'s' * (self._given != 1)}"
            raise AssertionError(f"{self.name!r} was asked {len(self.turns)} times; it had {scripts}.")
        if self._scripts:
            raise AssertionError(f"{self.name!r} was never asked for {len(self._scripts)} of its scripts.")


@dataclass(frozen=True, slots=True)
class Asked:
    """A question that a `ScriptedAsker` was put: its messages, and the choices or the schema of the answer."""

    messages: tuple[PromptMessage, ...]
    answer: tuple[str, ...] | Mapping[str, Any]


class ScriptedAsker:
    """Answers short questions (`agent.asking.Asker`) as it was told.

    Args:
        *answers: In order: a `Choice`, or the picked choice alone; a mapping or None for an object that was asked
            for; or an exception to raise.

    Raises:
        AssertionError: It is asked more often than it has answers, is to pick what is no choice, or `verify` finds
            some left.
    """

    def __init__(self, *answers: Choice | str | Mapping[str, Any] | Exception | None) -> None:
        self.asked: list[Asked] = []
        self._answers = list(answers)

    async def choose(self, messages: Sequence[PromptMessage], choices: Sequence[str]) -> Choice:
        """The next answer."""
        answer = self._next(messages, tuple(choices))
        choice = answer if isinstance(answer, Choice) else Choice(answer, speaker="scripted")
        if choice.picked is not None and choice.picked not in choices:
            raise AssertionError(f"The script picks {choice.picked!r}; the choices are {list(choices)}.")
        return choice

    async def fill(self, messages: Sequence[PromptMessage], schema: Mapping[str, Any]) -> Mapping[str, Any] | None:
        """The next answer."""
        answer: Mapping[str, Any] | None = self._next(messages, schema)
        return answer

    def _next(self, messages: Sequence[PromptMessage], wanted: tuple[str, ...] | Mapping[str, Any]) -> Any:
        self.asked.append(Asked(tuple(messages), wanted))
        if not self._answers:
            raise AssertionError(f"Asked {len(self.asked)} times, and no answer is left.")
        answer = self._answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def verify(self) -> None:
        """Fail if it was not asked for every answer."""
        if self._answers:
            raise AssertionError(f"Never asked for {len(self._answers)} of the answers.")


class ScriptedVerifier:
    """Says of each look what it was given, and keeps what it looked at.

    Args:
        *answers: An objection, None where nothing speaks against the draft, or an exception to raise.
        name: Its name.
        reads: Fields it needs.

    Attributes:
        seen: Each draft, and whether it was whole.
        turns: The turns that came with them.

    Raises:
        AssertionError: It is asked more often than it has answers (`verify` tells of that again), or
            `verify` finds some left.
    """

    def __init__(
        self, *answers: Objection | Exception | None, name: str = "scripted", reads: Sequence[str] = ("text",)
    ) -> None:
        self.name = name
        self.reads = frozenset(reads)
        self.seen: list[tuple[str, bool]] = []
        self.turns: list[Turn] = []
        self._answers = answers

    def check(self, turn: Turn, draft: str, *, whole: bool) -> Objection | None:
        """The next answer."""
        self.seen.append((draft, whole))
        self.turns.append(turn)
        if len(self.seen) > len(self._answers):
            raise AssertionError(f"{self.name!r} was asked {len(self.seen)} times and has no answer left.")
        answer = self._answers[len(self.seen) - 1]
        if isinstance(answer, Exception):
            raise answer
        return answer

    def verify(self) -> None:
        """Fail if it was not asked once for each answer. An agent goes on where a verifier fails."""
        if len(self.seen) != len(self._answers):
            raise AssertionError(
                f"{self.name!r} was asked {len(self.seen)} times; it had {len(self._answers)} answers."
            )


class ScriptedGuard:
    """Escalates where the risk reading shows danger, and blocks what it is told to.

    Args:
        blocked: Words to what is said in place of a sentence that holds them.
        reads: With `"risk"` among them, a risk that was not read escalates, too.

    Attributes:
        looked_at: Every sentence that was looked at, in order.
    """

    name = "scripted"

    def __init__(self, blocked: Mapping[str, str] | None = None, *, reads: Sequence[str] = ("text",)) -> None:
        self.reads = frozenset(reads)
        self.blocked = dict(blocked or {})
        self.looked_at: list[str] = []

    def screen(self, turn: Turn) -> Turn:
        """With a verdict, and nothing else."""
        danger = "risk" in self.reads if turn.risk is None else turn.risk.level in DANGER
        return turn.note(Verdict("escalate" if danger else "allow", self.name))

    def check(self, turn: Turn, shown: str, sentence: str) -> Blocked | None:  # noqa: ARG002 - the protocol's
        """As it was told."""
        self.looked_at.append(sentence)
        for words, instead in self.blocked.items():
            if words in sentence:
                return Blocked("scripted", instead)
        return None
