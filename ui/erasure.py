"""`heartline export` and `heartline erase`: for a person who wants to know what is kept, or wants it gone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from rich.console import Console
from rich.text import Text

from agent.errors import InputError
from agent.feedback import Feedback
from agent.intake import scrub
from agent.protocols import ConversationStore
from agent.record import to_record
from agent.safety.human_acts import HumanAct, as_json
from agent.safety.redaction import redact as redacted_text
from agent.safety.redaction import redact_turn
from agent.settings import Settings
from agent.store_url import open_store
from ui.conversations import conversation_named
from ui.standard_output import write_json

__all__ = ["FORMAT", "erase", "export"]

FORMAT = 1
"""Version of what `export` writes (docs/privacy.md). A key may be added without a new one."""

_ELSEWHERE = "Copies elsewhere (saved files, backups, logs of an LLM server) are not touched: docs/privacy.md."


def erase(
    conversation: str | None,
    settings: Settings,
    *,
    older_than: int | None = None,
    confirmed: Callable[[str], bool],
    console: Console | None = None,
) -> int:
    """Erase a conversation, or all that were not used for some days, from the store.

    Args:
        conversation: Its id; `"last"` for the newest.
        settings: Name the store.
        older_than: Days without use, instead of a conversation.
        confirmed: Asks whether to go on.
        console: Where to tell what was done; None is standard output.

    Returns:
        Exit status: 0, or 1 where somebody said no and nothing was erased.

    Raises:
        InputError: Both were given, or neither.
        UnknownConversationError: The store has no such conversation.
        StoreError: It cannot be read or written. Nothing was erased.
    """
    if (conversation is None) == (older_than is None):
        raise InputError("Name a conversation (`last` is the newest) or give `--older-than DAYS`: one of the two.")
    shown = console or Console(highlight=False)
    store: ConversationStore = open_store(settings)
    try:
        if older_than is not None:
            before = datetime.now(UTC) - timedelta(days=older_than)
            if not confirmed(f"Erase for good what was not used since {before:%d %b %Y %H:%M} UTC?"):
                return _left(shown)
            gone = store.expire(before)
            shown.print(Text(f"Erased: {_count(len(gone), 'conversation')}. {_ELSEWHERE}"), soft_wrap=True)
            return 0
        name = conversation_named(store, conversation or "", newest="last")
        turns = store.turns(name)
        if not confirmed(f"Erase conversation {scrub(name)!r} ({_count(len(turns), 'turn')}) for good?"):
            return _left(shown)
        erased = store.erase(name)
        shown.print(Text(f"Erased: {_count(erased, 'turn')} of {scrub(name)!r}. {_ELSEWHERE}"), soft_wrap=True)
        return 0
    finally:
        store.close()


def export(conversation: str, settings: Settings, *, out: str = "-", redact: bool = False) -> None:
    """Write everything that is kept of a conversation as JSON: each turn whole, as `agent.record` reads it back.

    Args:
        conversation: Its id; `"last"` for the newest.
        settings: Name the store.
        out: File, or `"-"` for standard output.
        redact: Leave personal data out (see `agent.safety.redaction`).

    Raises:
        UnknownConversationError: The store has no such conversation.
        InputError: The output cannot be written.
        StoreError: The store cannot be read.
    """
    store: ConversationStore = open_store(settings)
    try:
        name = conversation_named(store, conversation, newest="last")
        turns = store.turns(name)
        said = store.feedback(name) if hasattr(store, "feedback") else ()
        acts: tuple[HumanAct, ...] = store.human_acts(name) if hasattr(store, "human_acts") else ()
    finally:
        store.close()
    content: dict[str, Any] = {"format": FORMAT, "kind": "conversation", "conversation": name, "redacted": redact}
    content["turns"] = [to_record(redact_turn(turn) if redact else turn) for turn in turns]
    if said:
        content["feedback"] = [_packed(each, redact=redact) for each in said]
    if acts:
        content["people"] = [as_json(_redacted(act) if redact else act) for act in acts]
    write_json(out, content)


def _packed(said: Feedback, *, redact: bool) -> dict[str, Any]:
    reason = redacted_text(said.reason) if redact and said.reason else said.reason
    at = None if said.at is None else said.at.isoformat()
    return {"turn": said.turn_id, "rating": said.rating, "reason": reason, "at": at}


def _redacted(act: HumanAct) -> HumanAct:
    return act if act.words is None else replace(act, words=redacted_text(act.words))


def _left(console: Console) -> int:
    console.print("Nothing was erased.")
    return 1


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"
