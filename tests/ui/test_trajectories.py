"""The form of a trajectory: what it tells of turns, and its JSON."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from trajectory_parts import CAUSE, MESSAGE, a_conversation, a_state, any_turns, hostile, planned

from agent.decisions import Reply, Verdict
from agent.state import Shift
from agent.testing import a_turn
from agent.turn import Turn
from ui.trajectories import as_json, stored, strategy_name, strategy_of

KEYS = {
    "index", "at", "emotion", "emotions", "affect", "deviation", "covariance", "confidence", "trend",
    "turns_since_shift", "shift", "strategy", "expected", "own", "risk", "failures",
}  # fmt: skip


def told(turns: list[Turn], *, texts: bool = False) -> list[dict[str, Any]]:
    content = as_json(stored("c-1", turns), texts=texts)
    assert (content["format"], content["kind"], content["conversation"]) == (1, "trajectory", "c-1")
    return content["turns"]


def test_that_a_state_is_told_whole():
    last = told(a_conversation())[3]
    assert set(last) == KEYS
    assert last["emotion"] == {"label": "joy", "probability": 0.75}
    assert last["emotions"] == {"of": "state", "label_set": "meld-7", "probabilities": {"joy": 0.75, "fear": 0.25}}
    assert last["affect"] == {"valence": 0.4, "arousal": 0.1, "dominance": -0.1, "intensity": 0.4123}
    assert last["deviation"] == {"valence": 0.2, "arousal": 0.3, "dominance": 0.1}
    assert last["covariance"] == [[0.04, 0.0, 0.0], [0.0, 0.09, 0.0], [0.0, 0.0, 0.01]]
    assert last["expected"] == {"joy": 1.0}
    assert last["own"]["emotion"] == "joy"
    assert last["own"]["persona"] == "calm"
    assert last["shift"] == {"direction": "better", "size": 0.9, "after": "reflection", "cause": None}
    assert last["strategy"] == {"planned": ["others"], "followed": ["others"], "careful": False}


def test_that_what_an_older_tracker_did_not_keep_is_null_and_the_reading_of_the_message_stands_in():
    first = told(a_conversation())[0]
    assert (first["deviation"], first["covariance"], first["expected"], first["own"]) == (None,) * 4
    assert first["emotions"]["of"] == "message"
    assert first["emotion"] == {"label": "anxious", "probability": 0.7}


def test_that_a_turn_without_a_state_keeps_its_place_and_is_not_zero():
    missing = told(a_conversation())[1]
    assert missing["index"] == 1
    for name in ("emotion", "emotions", "affect", "confidence", "trend", "shift", "risk"):
        assert missing[name] is None, name


def test_that_a_state_behind_which_nothing_was_ever_read_has_no_affect():
    (only,) = told([a_turn(state=a_state(0.0, confidence=0.0))])
    assert (only["affect"], only["deviation"], only["trend"], only["confidence"]) == (None, None, None, 0.0)


def test_that_words_come_out_only_when_asked_for():
    assert MESSAGE not in json.dumps(told(a_conversation()))
    assert CAUSE not in json.dumps(told(a_conversation()))
    turns = told(a_conversation(), texts=True)
    assert turns[2]["text"] == MESSAGE
    assert turns[2]["shift"]["cause"]["text"] == CAUSE


def test_that_a_shift_is_told_once_and_where_it_was_new():
    shift = Shift(0, "worse", 0.5)
    states = [a_state(0.0), a_state(-0.5, 1, last_shift=shift), a_state(-0.5, 2, last_shift=shift)]
    turns = [a_turn(id=str(number), index=number, state=state) for number, state in enumerate(states)]
    assert [turn["shift"] and turn["shift"]["direction"] for turn in told(turns)] == [None, "worse", None]


def test_that_a_turn_without_a_state_does_not_make_an_old_shift_new():
    shift = Shift(0, "worse", 0.5)
    turns = [
        a_turn(id=str(n), index=n, state=a_state(0.0, n, last_shift=shift) if n != 1 else None) for n in range(3)
    ]
    assert [turn["shift"] is not None for turn in told(turns)] == [True, False, False]


def test_that_a_shift_comes_after_what_the_supporter_did_where_the_tracker_does_not_say():
    turns = a_conversation()
    assert told(turns)[2]["shift"]["after"] == "reflection"
    nothing_said = [turns[0], replace(turns[1], reply=None), turns[2]]
    assert told(nothing_said)[2]["shift"]["after"] == "question"


def test_that_a_careful_reply_follows_no_strategy():
    turns = a_conversation()
    turns[1] = turns[1].note(Verdict("escalate", "careful"))
    rows = told(turns)
    assert rows[1]["strategy"] == {"planned": ["reflection"], "followed": [], "careful": True}
    assert rows[2]["shift"]["after"] is None


def test_that_a_reply_without_a_plan_is_not_said_to_follow_nothing():
    (row,) = told([a_turn(reply=Reply("Yes.", "offline"))])
    assert row["strategy"] == {"planned": None, "followed": None, "careful": False}
    (row,) = told([a_turn(plan=planned("question"))])
    assert row["strategy"]["followed"] == []


def test_that_a_conversation_without_turns_is_a_trajectory_too():
    assert told([]) == []


@pytest.mark.parametrize("named", ["Reflection of feelings", "reflection", " REFLECTION OF FEELINGS "])
def test_that_strategies_are_known_however_they_are_spelled(named: str):
    assert strategy_of(named) == "reflection"
    assert strategy_of("Juggling") == "Juggling"
    assert (strategy_name("reflection"), strategy_name("offer_hope")) == ("Reflection of feelings", "offer hope")


@given(any_turns(), hostile)
def test_that_json_is_valid_and_complete_for_any_state(turns: list[Turn], name: str):
    content = as_json(stored(name, turns), texts=True)
    text = json.dumps(content, ensure_ascii=False, allow_nan=False).encode("utf-8", "backslashreplace")
    back = json.loads(text, parse_constant=pytest.fail)
    assert len(back["turns"]) == len(turns)
    for row in back["turns"]:
        assert set(row) == KEYS | {"text"}
