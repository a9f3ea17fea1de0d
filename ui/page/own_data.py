"""What a visitor has here: their conversations, to be listed, read, downloaded and erased."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from agent.errors import UnknownConversationError
from agent.feedback import Feedback
from agent.protocols import ConversationStore
from agent.record import to_record
from agent.safety.human_acts import as_json
from agent.turn import Turn
from ui.drawing import shortened
from ui.page.desk import Desk
from ui.page.people import people_in
from ui.page.texts import Texts
from ui.page.visitor import Visitor

__all__ = ["Entry", "entries", "erase", "everything", "feedback_of", "ids", "listed", "turns_of"]

_LISTED = 50
_TITLE = 300  # pixels


@dataclass(frozen=True, slots=True)
class Entry:
    """A conversation in the list.

    Attributes:
        id: Its id.
        title: How the last message begins.
        turns: How many there are.
        at: When the last one came, in seconds since 1970; None where nobody said.
        kept: Whether it is kept in the store.
    """

    id: str
    title: str
    turns: int
    at: float | None
    kept: bool

    def as_row(self, texts: Texts) -> dict[str, Any]:
        """For the templates of lists."""
        when = f"{told} · " if (told := texts.when(self.at)) else ""
        return {"id": self.id, "title": self.title, "turns": self.turns, "when": when, "kept": self.kept}


def entries(desk: Desk, visitor: Visitor) -> list[Entry]:
    """The newest conversations of a visitor, the one last used first.

    Raises:
        StoreError: They cannot be read.
    """
    return listed(desk, visitor, ids(desk, visitor)[:_LISTED])


def listed(desk: Desk, visitor: Visitor, named: Sequence[str]) -> list[Entry]:
    """Conversations with these ids (`ids`), without those that are gone.

    Raises:
        StoreError: They cannot be read.
    """
    found = []
    for conversation_id in named:
        recalled = desk.store_of(visitor, conversation_id).recall(conversation_id, turns=1)
        if not recalled.turns:
            continue
        words = next((message.text for message in recalled.messages if message.role == "seeker"), "")
        at = None if recalled.sitting is None else recalled.sitting.latest
        kept = visitor.keeps(conversation_id)
        found.append(Entry(conversation_id, shortened(words, _TITLE), recalled.turns, at, kept))
    return found


def ids(desk: Desk, visitor: Visitor, *, everybodys: bool = False) -> list[str]:
    """Conversations of a visitor, or all that the store keeps; those last used first.

    Raises:
        StoreError: They cannot be read.
    """
    kept = desk.kept(visitor)
    return [*_own(desk.unkept, visitor), *(kept.conversations() if everybodys else _own(kept, visitor))]


def turns_of(desk: Desk, visitor: Visitor, conversation_id: str, *, everybodys: bool = False) -> tuple[Turn, ...]:
    """The turns of a conversation; none where there is no such one, or it is somebody else's.

    Args:
        desk: Knows the stores.
        visitor: Whose.
        conversation_id: Which.
        everybodys: Those of others in the store too, for whoever runs the page.

    Raises:
        StoreError: It cannot be read.
    """
    if not everybodys and not visitor.owns(conversation_id):
        return ()
    with suppress(UnknownConversationError):
        return desk.store_of(visitor, conversation_id).turns(conversation_id)
    return ()


def feedback_of(desk: Desk, visitor: Visitor, conversation_id: str) -> dict[str, Feedback]:
    """What was said of its replies, by turn."""
    store: Any = desk.store_of(visitor, conversation_id)
    if not visitor.owns(conversation_id) or not hasattr(store, "feedback"):
        return {}
    return {each.turn_id: each for each in store.feedback(conversation_id)}


def everything(desk: Desk, visitor: Visitor) -> dict[str, Any]:
    """All that is kept of a visitor, ready for JSON (docs/page.md).

    Raises:
        StoreError: It cannot be read.
    """
    found = []
    for store in (desk.unkept, desk.kept(visitor)):
        for conversation_id in _own(store, visitor):
            said = feedback_of(desk, visitor, conversation_id)
            found.append(
                {
                    "conversation": conversation_id,
                    "turns": [to_record(turn) for turn in store.turns(conversation_id)],
                    "feedback": [
                        {
                            "turn": each.turn_id,
                            "rating": each.rating,
                            "reason": each.reason,
                            "at": None if each.at is None else each.at.isoformat(),
                        }
                        for each in said.values()
                    ],
                    "people": [as_json(act) for act in people_in(desk, visitor, conversation_id).acts],
                }
            )
    return {"format": 1, "kind": "visitor", "conversations": found}


def erase(desk: Desk, visitor: Visitor, conversation_id: str | None = None) -> int:
    """Erase a conversation of a visitor, or all of them, for good.

    Args:
        desk: Knows the stores.
        visitor: Whose.
        conversation_id: Which; None for all.

    Returns:
        How many conversations were erased.

    Raises:
        StoreError: It could not be written.
    """
    if conversation_id is not None and not visitor.owns(conversation_id):
        return 0
    erased = 0
    for store in (desk.unkept, desk.kept(visitor)):
        for own in _own(store, visitor):
            if conversation_id in {None, own}:
                desk.running.stop(own)
                with suppress(UnknownConversationError):  # another tab was quicker
                    store.erase(own)
                    erased += 1
    return erased


def _own(store: ConversationStore, visitor: Visitor) -> list[str]:
    return [each for each in store.conversations(beginning=visitor.mark) if visitor.owns(each)]
