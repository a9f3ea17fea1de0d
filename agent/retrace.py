"""Follows a conversation anew from the readings of its turns: after an edit, with another tracker, from logs."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from agent.errors import TurnError
from agent.perception import failure_of
from agent.protocols import Tracker
from agent.state import EmotionalState
from agent.turn import Turn

__all__ = ["retrace"]


def retrace(tracker: Tracker, turns: Iterable[Turn]) -> tuple[Turn, ...]:
    """The turns with new states, as if they had come one after the other. No text is read again.

    They may come in any order: they are followed by their index. A turn that is there twice counts once. One that
    was deleted leaves a gap in the indices, which counts as time that went by. One that was edited must have been
    read again (`Perception.read`), since a tracker goes by the readings.

    Args:
        tracker: Whose states are wanted. Where it fails on a turn, that turn has no state, tells so among its
            failures, and the next goes on from the state before.
        turns: Of one conversation.

    Returns:
        Each turn once, in order, with `state_before` and `state`.

    Raises:
        TurnError: Two different turns have one index, or turns are of several conversations.
    """
    by_index: dict[int, Turn] = {}
    conversations: set[str] = set()
    for turn in turns:
        known = by_index.setdefault(turn.index, turn)
        conversations.add(turn.conversation_id)
        if len(conversations) > 1:
            names = " and ".join(map(repr, sorted(conversations)))
            raise TurnError(f"Turns of conversations {names} are mixed. Retrace each on its own.")
        if known.id != turn.id or known.text != turn.text:
            raise TurnError(
                f"Turns {known.id!r} and {turn.id!r} both have index {turn.index}. Number them in their order."
            )
    found: list[Turn] = []
    state: EmotionalState | None = None
    for _, turn in sorted(by_index.items()):
        fresh = replace(
            turn,
            state_before=state,
            state=None,
            failures=tuple(each for each in turn.failures if each.stage != "track"),
        )
        try:
            fresh = fresh.fill(state=tracker.update(fresh))
        except Exception as error:  # noqa: BLE001 - a stranger's tracker must not lose the other turns
            fresh = fresh.note(failure_of("track", tracker.name, error))
        state = fresh.state or state
        found.append(fresh)
    return tuple(found)
