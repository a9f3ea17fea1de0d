"""The parts an agent is made of. Anything with these attributes is a part; nothing is inherited.

What may wait for a network is async; what is pure is not.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Protocol

from agent.decisions import Blocked, Contact, Objection, Plan, Prompt, Reply, Taxonomy
from agent.safety.course import RiskCourse
from agent.safety.reliance import Reliance
from agent.safety.sitting import Sitting
from agent.state import EmotionalState
from agent.turn import Message, Turn

__all__ = [
    "Composer",
    "ConversationStore",
    "Generator",
    "Guard",
    "Planner",
    "Plugin",
    "Recalled",
    "SecondReader",
    "Tracker",
    "Verifier",
]


class Plugin(Protocol):
    """Reads something out of seekers' messages. Pure: the same turns give the same readings.

    Attributes:
        name: Registry name, e.g. `"emotion"`.
        reads: Turn fields it needs, e.g. `{"text", "history"}`. A plugin that reads another's
            reading runs after it, and is skipped where that one failed.
        writes: The one Turn field that its reading fills.
    """

    name: str
    reads: frozenset[str]
    writes: str

    def __call__(self, turns: Sequence[Turn]) -> Sequence[Any]:
        """One reading per turn, in the same order."""
        ...


class SecondReader(Protocol):
    """Looks again where the plugins are unsure, after perception and before tracking; may ask an LLM."""

    name: str
    reads: frozenset[str]

    async def look_again(self, turn: Turn) -> Turn:
        """The turn with what a second look adds: `Turn.adjudicated`, readings that were None, failures.

        Raises:
            GenerationError: The LLM failed in a way that leaves nothing to add.
        """
        ...


class Tracker(Protocol):
    """Follows the emotional state from turn to turn. Pure."""

    name: str
    reads: frozenset[str]

    def update(self, turn: Turn) -> EmotionalState:
        """The state after this turn, from `turn.state_before` and the readings.

        Readings may be None: they were not read. That is absence of evidence, not calm.
        """
        ...


class Planner(Protocol):
    """Chooses the support strategy."""

    name: str
    reads: frozenset[str]
    taxonomy: Taxonomy

    async def plan(self, turn: Turn) -> Plan:
        """The plan for this turn. Readings may be None."""
        ...


class Composer(Protocol):
    """Writes the prompt. Pure. Text of the person goes into `user` messages only."""

    name: str
    reads: frozenset[str]

    def compose(self, turn: Turn) -> Prompt:
        """The prompt for this turn. Readings and plan may be None."""
        ...


class Generator(Protocol):
    """Speaks: an LLM, or the offline responder."""

    name: str
    reads: frozenset[str]

    def generate(self, turn: Turn) -> AsyncGenerator[str | Reply]:
        """Pieces of text as they come, then, last, the whole `Reply`.

        Raises:
            GenerationError: No reply could be made, or it broke off.
        """
        ...


class Verifier(Protocol):
    """Looks at a draft before the person sees it. Synchronous and quick: text waits for it."""

    name: str
    reads: frozenset[str]

    def check(self, turn: Turn, draft: str, *, whole: bool) -> Objection | None:
        """What speaks against the draft; None where it can stand.

        Args:
            turn: With readings and plan.
            draft: The reply from its beginning to the end of its newest sentence.
            whole: Nothing follows.
        """
        ...


class Guard(Protocol):
    """Stands between the person and whatever speaks: on the way in and on the way out."""

    name: str
    reads: frozenset[str]

    def screen(self, turn: Turn) -> Turn:
        """After perception, before planning: the turn with a `Verdict`, and `course`, `care`, `notices` if kept.

        Without an LLM and without waiting: it must work when everything else fails.
        """
        ...

    def check(self, turn: Turn, shown: str, sentence: str) -> Blocked | None:
        """What is said in place of a sentence; None where it can be said. Synchronous and quick: text waits.

        Args:
            turn: As screened.
            shown: The reply so far.
            sentence: What would follow, with the white space before it.
        """
        ...


@dataclass(frozen=True, slots=True)
class Recalled:
    """What a store knows of a conversation before the next turn.

    Attributes:
        messages: What was said, oldest first; only the newest part where a limit was given.
        state: The emotional state after the last turn, or None.
        turns: How many turns the conversation has in all.
        course: The record of risk after the last turn, or None.
        reliance: How much they leaned on it after the last turn, or None.
        contact: What people have to do with it, or None where nobody has anything to.
        sitting: The sitting after the last turn, or None.
    """

    messages: tuple[Message, ...] = ()
    state: EmotionalState | None = None
    turns: int = 0
    course: RiskCourse | None = None
    reliance: Reliance | None = None
    contact: Contact | None = None
    sitting: Sitting | None = None

    def before(self, turn: Turn) -> Turn:
        """The turn with what was known before it. Its index and its history are its own."""
        return turn.altered(
            state_before=self.state,
            course_before=self.course,
            reliance_before=self.reliance,
            sitting_before=self.sitting,
        )

    def after(self, turn: Turn) -> Recalled:
        """What is known after a turn: what it left unread stays as it was. Messages are not added."""
        return replace(
            self,
            state=turn.state or self.state,
            course=turn.course or self.course,
            reliance=turn.reliance or self.reliance,
            sitting=turn.sitting or self.sitting,
        )


class ConversationStore(Protocol):
    """Keeps conversations. Synchronous: the loop calls it in a thread."""

    name: str

    def recall(self, conversation_id: str, *, turns: int) -> Recalled:
        """The newest `turns` turns of a conversation; empty where it does not exist yet."""
        ...

    def append(self, turn: Turn) -> Turn:
        """Store a finished turn, whole or not at all.

        Returns:
            The turn as stored. Where another process was quicker, its `index` moved up.

        Raises:
            StoreError: It could not be written. Nothing of it was.
        """
        ...

    def turns(
        self, conversation_id: str, *, limit: int | None = None, before: int | None = None
    ) -> tuple[Turn, ...]:
        """Turns of a conversation, oldest first, with readings and reply.

        Args:
            conversation_id: Which.
            limit: So many at most, the newest of them, 1 or more; None: all. Others are not read.
            before: Only those at places before this one, from 0 on; None: to the last.

        Raises:
            UnknownConversationError: There is none with this id.
            StoreError: They cannot be read, or `limit` is less than 1.
        """
        ...

    def conversations(
        self, *, beginning: str = "", limit: int | None = None, after: str | None = None
    ) -> tuple[str, ...]:
        """Ids of conversations, the one last used first.

        Args:
            beginning: What the ids begin with; "" for any.
            limit: So many at most, 1 or more; None: all. Others are not read, however many there are.
            after: Id of the one that they come after, which need not begin so; None: from the first.

        Raises:
            UnknownConversationError: There is none with the id `after`.
            StoreError: They cannot be read, or `limit` is less than 1.
        """
        ...

    def forget_profile(self, conversation_id: str) -> None:
        """Erase what was learned about how the person is to be read (`EmotionalState.personal`), in every copy.

        What was said, read and sent as a prompt stays as it is. A turn in the making carries what it recalled, so
        nothing should be answered meanwhile.

        Raises:
            UnknownConversationError: There is none with this id.
            StoreError: It could not be written. Nothing was erased.
        """
        ...

    def erase(self, conversation_id: str) -> int:
        """Erase a conversation: messages, readings, states, prompts, whatever else is kept under its id.

        What was erased cannot be read out of the store's files either; docs/storage.md says what a database server
        may keep. A turn that is appended later under the same id begins at 0. A turn in the making carries what it
        recalled: where the conversation is gone by the time that it is appended, it is refused.

        Returns:
            How many turns were erased.

        Raises:
            UnknownConversationError: There is none with this id.
            StoreError: It could not be written. Nothing was erased.
        """
        ...

    def expire(self, before: datetime) -> tuple[str, ...]:
        """Erase the conversations that nothing was appended to since a time, as `erase` does.

        Args:
            before: With its time zone. A conversation that was last used at this very time stays.

        Returns:
            Ids of those that were erased, the one last used first.

        Raises:
            StoreError: The time has no zone, or it could not be written. A store may erase in parts.
        """
        ...

    def close(self) -> None:
        """Let go of files and connections. May be called twice."""
        ...
