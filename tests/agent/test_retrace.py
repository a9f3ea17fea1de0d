"""A conversation followed anew: in order, each turn once, without reading a text again."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.errors import TurnError
from agent.perception import Perception
from agent.readings import Affect
from agent.retrace import retrace
from agent.state import EmotionalState
from agent.testing import a_turn
from agent.tracker import SmoothedTracker
from agent.turn import Turn

TRACKER = SmoothedTracker()


def conversation(*valences: float) -> list[Turn]:
    turns: list[Turn] = []
    state: EmotionalState | None = None
    for index, valence in enumerate(valences):
        turn = a_turn(id=f"t{index}", index=index, affect=Affect(valence, 0.0, 0.0), state_before=state)
        turns.append(turn.fill(state=TRACKER.update(turn)))
        state = turns[-1].state
    return turns


points = st.lists(st.floats(-1, 1), min_size=1, max_size=8)


@given(points, st.randoms())
def test_that_any_order_gives_the_states_that_the_conversation_had(valences: list[float], random):
    turns = conversation(*valences)
    shuffled = [*turns, *turns[:1]]  # one of them twice
    random.shuffle(shuffled)
    assert retrace(TRACKER, shuffled) == tuple(turns)


def test_that_states_are_made_of_readings_alone():
    turns = [replace(turn, state=None, state_before=None, text="Gone.") for turn in conversation(-0.5, 0.5)]
    assert [turn.state for turn in retrace(TRACKER, turns)] == [turn.state for turn in conversation(-0.5, 0.5)]


def test_that_an_edited_turn_changes_what_comes_after_it_and_nothing_before():
    turns = conversation(-0.5, -0.4, 0.1)
    edited = replace(turns[1], text="It went well after all.", affect=Affect(0.8, 0.0, 0.0))
    after = retrace(TRACKER, [turns[0], edited, turns[2]])
    assert after[0] == turns[0]
    assert after[2].state != turns[2].state
    assert after[2].state_before == after[1].state


def test_that_a_deleted_turn_leaves_a_gap_that_is_bridged():
    first, _, third = conversation(-0.5, 0.9, 0.1)
    kept = retrace(TRACKER, [first, third])
    assert [turn.index for turn in kept] == [0, 2]
    assert kept[1].state_before == first.state


def test_that_two_turns_at_one_place_are_refused():
    with pytest.raises(TurnError, match="Turns 't0' and 'other' both have index 0"):
        retrace(TRACKER, [*conversation(0.1), a_turn(id="other")])


def test_that_conversations_are_not_mixed():
    with pytest.raises(TurnError, match="Turns of conversations 'conversation-1' and 'two' are mixed"):
        retrace(TRACKER, [*conversation(0.1), a_turn(id="t1", index=1, conversation_id="two")])


class FailsOnce(SmoothedTracker):
    def update(self, turn: Turn) -> EmotionalState:
        if turn.index == 1:
            raise TurnError("It fails on purpose.")
        return super().update(turn)


def test_that_a_tracker_that_fails_loses_its_turn_and_no_other():
    first, second, third = retrace(FailsOnce(), conversation(-0.5, 0.9, 0.1))
    assert (second.state, second.failures[-1].message) == (None, "It fails on purpose.")
    assert third.state_before == first.state
    assert third.state is not None
    again = retrace(TRACKER, [first, second, third])
    assert not again[1].failures, "a failure of the tracker before is no failure of this one"


def test_that_nothing_is_read_again(monkeypatch):
    def never(*_: object) -> None:
        raise AssertionError("a text was read")

    for name in ("read", "perceive"):
        monkeypatch.setattr(Perception, name, never)
    turns = conversation(0.1, 0.2)
    assert [turn.affect for turn in retrace(TRACKER, turns)] == [turn.affect for turn in turns]
