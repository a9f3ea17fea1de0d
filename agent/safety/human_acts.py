"""What a person does in a conversation that they take over: takes it, says something there, gives it back.

It is kept beside the turns and erased with them. Nobody acts over somebody else's head: who says something holds
the conversation, and whoever would take it finds out who has it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Literal, Protocol

from agent.decisions import Contact
from agent.errors import HeldError, InputError
from agent.intake import scrub
from agent.repeats import Request
from agent.safety.takeover import checked_name, given_back, taken_over
from agent.turn import Message

__all__ = [
    "LONGEST_WORDS",
    "Act",
    "HumanAct",
    "TakeoverStore",
    "Takeovers",
    "as_json",
    "checked_words",
    "messages_after",
    "spoken",
    "taken",
]

LONGEST_WORDS = 4_000
"""Characters of what is said at once."""


@dataclass(frozen=True, slots=True)
class HumanAct:
    """One thing that a person did in a conversation.

    Attributes:
        by: Who, as they call themselves.
        did: What.
        turns: How many turns the conversation had by then: it stands after so many.
        words: What they said; None where they did something else.
        at: When, in UTC.
    """

    by: str
    did: Literal["took_over", "said", "gave_back"]
    turns: int = 0
    words: str | None = None
    at: datetime | None = None


Act = Callable[[Contact], tuple[Contact, HumanAct | None]]
"""What somebody's act makes of a conversation's contact, and the act; None where nothing was done."""


def as_json(act: HumanAct) -> dict[str, Any]:
    """For `json.dumps`, as exports hold it."""
    at = None if act.at is None else act.at.isoformat()
    return {"by": act.by, "did": act.did, "turns": act.turns, "words": act.words, "at": at}


def messages_after(acts: Iterable[HumanAct]) -> Mapping[int, tuple[Message, ...]]:
    """What people said, as messages, by how many turns there were by then.

    Args:
        acts: Oldest first.
    """
    found: dict[int, tuple[Message, ...]] = {}
    for act in acts:
        if act.words is not None:
            said = Message("supporter", act.words, human=True)
            found[act.turns] = (*found.get(act.turns, ()), said)
    return found


class TakeoverStore(Protocol):
    """A store whose conversations a person can take over. `agent.safety.takeover` tells what follows."""

    def hold(self, conversation_id: str, *, by: str, unless_held: bool = False) -> None:
        """Take a conversation over.

        Args:
            conversation_id: Which.
            by: Who takes it.
            unless_held: Only where nobody else has it; False takes it on from them.

        Raises:
            UnknownConversationError: There is none with this id.
            InputError: `by` names nobody.
            HeldError: Somebody else has it.
        """
        ...

    def say(self, conversation_id: str, words: str, *, by: str, request: Request | None = None) -> bool:
        """Keep what a person says there who has taken it over, for whoever writes there to see.

        It is recalled with what was said, as a message of the supporter's that is `human`.

        Args:
            conversation_id: Which.
            words: What they say.
            by: Who does.
            request: Kept with the words or not at all; None: it does not come twice.

        Returns:
            Whether it was said now. False: this request of the last 24 hours said it, and it stands there once.

        Raises:
            RequestReusedError: Another request had the same key.
            UnknownConversationError: There is none with this id.
            InputError: There are no words, or too many. They are not in the error.
            HeldError: They do not hold it.
        """
        ...

    def release(self, conversation_id: str, *, by: str | None = None) -> None:
        """Give it back to the agent. Nothing happens where nobody holds it.

        Args:
            conversation_id: Which.
            by: Who gives it back; None: whoever has it.

        Raises:
            UnknownConversationError: There is none with this id.
            HeldError: Somebody else has it.
        """
        ...

    def held_by(self, conversation_id: str) -> str | None:
        """Who holds it; None where nobody does, or there is none with this id."""
        ...

    def human_acts(self, conversation_id: str) -> tuple[HumanAct, ...]:
        """What people did there, oldest first; nothing where there is no conversation with this id."""
        ...


class Takeovers(ABC):
    """What every store does alike: a store has to say how it keeps an act."""

    @abstractmethod
    def _act(self, conversation_id: str, act: Act, request: Request | None = None) -> bool:
        """Keep what an act makes of a conversation's contact, the act and its request, in one go. Whether it was
        done now: a request that comes again does nothing."""

    def hold(self, conversation_id: str, *, by: str, unless_held: bool = False) -> None:
        """See `TakeoverStore`."""
        self._act(conversation_id, lambda contact: taken(contact, by, unless_held=unless_held))

    def say(self, conversation_id: str, words: str, *, by: str, request: Request | None = None) -> bool:
        """See `TakeoverStore`."""
        if request is not None:  # a message of the person's may have the same key: it led to a turn
            request = replace(request, key=f"said {request.key}")
        return self._act(conversation_id, lambda contact: spoken(contact, words, by), request)

    def release(self, conversation_id: str, *, by: str | None = None) -> None:
        """See `TakeoverStore`."""
        self._act(conversation_id, lambda contact: _given_up(contact, by))


# --- what is kept of each ------------------------------------------------------------------------


def taken(before: Contact, by: str, *, unless_held: bool) -> tuple[Contact, HumanAct | None]:
    """After somebody took a conversation over; nothing was done where it was theirs."""
    name = checked_name(by)
    if unless_held and before.held_by not in {None, name}:
        raise _held(before.held_by)
    return taken_over(before, name), None if before.held_by == name else HumanAct(name, "took_over")


def spoken(before: Contact, words: str, by: str) -> tuple[Contact, HumanAct]:
    """After somebody said something."""
    said = checked_words(words)
    name = checked_name(by)
    if before.held_by != name:
        raise _held(before.held_by)
    return before, HumanAct(name, "said", words=said)


def checked_words(words: str) -> str:
    """What a person says, without outer white space and what no text holds.

    Raises:
        InputError: There are no words, or too many. They are not in the error.
    """
    said = scrub(words).strip()
    if not 1 <= len(said) <= LONGEST_WORDS:
        raise InputError(
            f"What a person says at once has 1 to {LONGEST_WORDS:,} characters; this has {len(said):,}. "
            "Say it in parts."
        )
    return said


def _given_up(before: Contact, by: str | None) -> tuple[Contact, HumanAct | None]:
    """After it was given back; nothing was done where nobody held it."""
    if before.held_by is None:
        return before, None
    if by is not None and before.held_by != checked_name(by):
        raise _held(before.held_by)
    return given_back(before), HumanAct(before.held_by, "gave_back")


def _held(by: str | None) -> HeldError:
    who = "Nobody has taken the conversation over" if by is None else f"{by!r} has taken the conversation over"
    return HeldError(f"{who}. Take it over, or leave it to them.", held_by=by)
