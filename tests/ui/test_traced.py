"""Trajectories out of the JSON that was written of them."""

from __future__ import annotations

import json
from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given
from trajectory_parts import MESSAGE, a_conversation, any_turns

from ui.picture import picture
from ui.traced import MalformedError, trajectory_of
from ui.trajectories import as_json, stored

WRITTEN = as_json(stored("c", a_conversation()), texts=True)


def test_that_what_was_written_is_read_back():
    found = trajectory_of(json.loads(json.dumps(WRITTEN)))
    assert as_json(found, texts=True) == WRITTEN
    before = stored("c", a_conversation()).steps
    assert [(step.before, step.followed, step.careful) for step in found.steps] == [
        (step.before, step.followed, step.careful) for step in before
    ]


def test_that_a_file_without_words_has_none():
    found = trajectory_of(as_json(stored("c", a_conversation())))
    assert [step.turn.text for step in found.steps] == [""] * 4
    assert [step.shift.cause for step in found.steps if step.shift is not None] == [None, None]
    assert "NaN" not in picture(found)


@given(any_turns())
def test_that_whatever_is_written_can_be_read_and_says_the_same(turns):
    written = as_json(stored("c", turns), texts=True)
    again = as_json(trajectory_of(written), texts=True)
    assert len(again["turns"]) == len(turns)
    for one, other in zip(written["turns"], again["turns"], strict=True):
        for key in ("index", "at", "text", "risk", "strategy", "failures"):
            assert one[key] == other[key], key
        assert (one["affect"] or {}) == pytest.approx(
            other["affect"] or {}, abs=1e-3
        )  # intensity is worked out anew


def _broken(path: list[Any], value: Any) -> dict[str, Any]:
    whole = deepcopy(WRITTEN)
    part: Any = whole
    for step in path[:-1]:
        part = part[step]
    if value is KeyError:
        del part[path[-1]]
    else:
        part[path[-1]] = value
    return whole


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (["turns", 0, "affect", "valence"], 7),
        (["turns", 2, "strategy", "planned"], "question"),
        (["turns", 3, "risk"], "MESSAGE"),
        (["turns", 1, "emotions"], KeyError),
        (["turns", 0, "index"], -1),
        (["format"], 2),
        (["opening"], 3),
    ],
    ids=lambda given: "-".join(map(str, given)) if isinstance(given, list) else "",
)
def test_that_a_broken_field_is_named_and_nothing_of_it_is_quoted(path, value):
    with pytest.raises(MalformedError) as failed:
        trajectory_of(_broken(path, value))
    assert failed.value.path[: len(path)] == tuple(path)
    assert str(path[-1]) in str(failed.value)
    assert "MESSAGE" not in str(failed.value)
    assert MESSAGE not in str(failed.value)


def test_that_a_cause_that_does_not_fit_its_place_is_refused():
    with pytest.raises(MalformedError, match=r"turns\[2\]"):
        trajectory_of(_broken(["turns", 2, "shift", "cause", "end"], 400))
