"""What people did in a visitor's conversation, as the visitor sees it: who took it over, and what they write."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from agent.safety.human_acts import HumanAct
from ui.columns import moment
from ui.page.desk import Desk
from ui.page.texts import Texts
from ui.page.visitor import Visitor

__all__ = ["NOBODY", "People", "announced", "people_in", "rows_of"]


@dataclass(frozen=True, slots=True)
class People:
    """What people have to do with a conversation.

    Attributes:
        acts: What they did there, oldest first.
        watched: Somebody was called or was here: news may come without the visitor writing.
    """

    acts: tuple[HumanAct, ...] = ()
    watched: bool = False


NOBODY = People()


def people_in(desk: Desk, visitor: Visitor, conversation_id: str) -> People:
    """What people have to do with a conversation of a visitor; nothing where it is somebody else's.

    Raises:
        StoreError: It cannot be read.
    """
    if not visitor.owns(conversation_id):
        return NOBODY
    store: Any = desk.store_of(visitor, conversation_id)
    if not hasattr(store, "human_acts"):
        return NOBODY
    acts = store.human_acts(conversation_id)
    return People(acts, bool(acts) or store.recall(conversation_id, turns=0).contact is not None)


def rows_of(acts: Sequence[HumanAct], texts: Texts, *, after: int, last: bool) -> list[dict[str, str]]:
    """What stands after so many turns; after the last one, whatever came later, too."""
    rows = []
    for act in acts:
        if act.turns == after or (last and act.turns > after):
            words = act.words if act.words is not None else texts(f"people.{act.did}")
            who = texts("people.who", name=act.by) if act.did == "said" else ""
            at = "" if act.at is None else moment(act.at.timestamp(), date=False)
            rows.append({"who": who, "words": words, "at": at})
    return rows


def announced(acts: Sequence[HumanAct], texts: Texts) -> str:
    """What is told of them aloud."""
    said = [
        f"{texts('people.said')} {act.words}" if act.did == "said" else texts(f"people.{act.did}") for act in acts
    ]
    return " ".join(said)
