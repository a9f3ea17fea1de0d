"""Files that people bring along: what is in them, and what is wrong with them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from trajectory_parts import MESSAGE, a_conversation

from agent.errors import InputError
from agent.record import to_record
from ui.brought import brought, line_of
from ui.dialogues import Dialogue
from ui.trajectories import Trajectory, as_json, stored

TURNS = [to_record(turn) for turn in a_conversation()]
DIALOGUE = {
    "dialogue_id": "d-1",
    "turns": [{"speaker": "seeker", "text": MESSAGE}, {"speaker": "supporter", "text": "I am sorry."}],
}
ONE = {"conversation": "c-1", "turns": TURNS}


def _packed(value: Any, **how: Any) -> bytes:
    return json.dumps(value, **how).encode()


@pytest.mark.parametrize(
    "content",
    [
        _packed({"format": 1, "kind": "conversation", "redacted": False} | ONE),
        _packed({"format": 1, "kind": "visitor", "conversations": [ONE | {"feedback": []}]}),
        _packed(ONE, indent=1),
        _packed(as_json(stored("c-1", a_conversation()), texts=True), indent=2),
        b"\xef\xbb\xbf" + _packed(as_json(stored("c-1", a_conversation()))) + b"\n\n",
    ],
    ids=["export", "download", "save", "trace", "trace-without-words"],
)
def test_that_everything_that_heartline_writes_of_a_conversation_is_opened(content):
    (found,) = brought(content).found
    assert isinstance(found, Trajectory)
    assert found.id == "c-1"
    assert [step.affect for step in found.steps] == [step.affect for step in stored("", a_conversation()).steps]


@pytest.mark.parametrize(
    "content",
    [_packed(DIALOGUE), _packed([DIALOGUE], indent=2), _packed(DIALOGUE) + b"\n" + _packed({"turns": []})],
    ids=["line", "list", "lines"],
)
def test_that_plain_dialogues_are_found_and_not_read_yet(content):
    found = brought(content).found
    assert all(isinstance(each, Dialogue) for each in found)
    assert [said.text for said in found[0].said] == [MESSAGE, "I am sorry."]


def test_that_what_is_usable_is_given_beside_what_is_not():
    rows = [
        DIALOGUE,
        {"turns": [{"speaker": "seeker"}]},
        as_json(stored("c", a_conversation())),
        {"line": 4, "error": "x"},
    ]
    found = brought(b"\n".join(map(_packed, rows)) + b"\n{not json")
    assert [type(each) for each in found.found] == [Dialogue, Trajectory]
    assert [problem.partition(":")[0].partition(",")[0] for problem in found.problems] == [
        "Line 2",
        "Line 4",
        "Line 5",
    ]
    assert "turn 0 has no key 'text'" in found.problems[0]


def _of_visitor(number: int, **changed: Any) -> bytes:
    turns = [dict(turn) for turn in TURNS]
    turns[number] |= changed
    return _packed(
        {"format": 1, "kind": "visitor", "conversations": [ONE, {"conversation": "x", "turns": turns}]}, indent=1
    )


def test_that_a_broken_record_is_named_by_line_and_field():
    content = _of_visitor(2, index="secret words")
    found = brought(content)
    (problem,) = found.problems
    assert len(found.found) == 1
    line = int(problem.split()[1].rstrip(","))
    assert content.decode().splitlines()[line - 1].strip() == "{"
    assert '"id": "c"' in "\n".join(content.decode().splitlines()[line : line + 3])
    assert "`conversations[1].turns[2]`" in problem
    assert "`turn.index` should be a whole number" in problem
    assert "secret" not in problem


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "empty"),
        (b" \n\n", "empty"),
        (b'{"turns": [\n{"speaker": "seeker",,}]}', "line 2 column 22"),
        (b"hello", "no JSON"),
        (b"[]", "no conversation"),
        (b"3", "no JSON object"),
        (b'{"kind": "cohort"}', "cohort holds no conversations"),
        (b'{"x": 1}', "no list under `turns`"),
        (b'{"turns": [{"speaker": "nobody", "text": "secret"}]}', "another speaker"),
        (b'{"turns": [{"schema": 99}]}', "schema 99"),
        (b'{"turns": ["secret"]}', "schema"),
        (b"[" * 100_000, "nested too deeply"),
    ],
    ids=range(12),
)
def test_that_what_is_no_conversation_is_refused_with_the_reason(content, why):
    with pytest.raises(InputError, match=why) as failed:
        brought(content)
    assert "secret" not in str(failed.value)


def test_that_the_line_of_a_part_is_found():
    text = '\ufeff{\n "a": "[{,",\n "turns": [\n  {"x": 1},\n  {"y":\n   [1,\n 2]}\n ]\n}'
    places = [
        (),
        ("a",),
        ("turns",),
        ("turns", 0),
        ("turns", 1, "y"),
        ("turns", 1, "y", 1),
        ("gone",),
        ("turns", 7),
    ]
    assert [line_of(text, place) for place in places] == [1, 2, 3, 4, 6, 7, 1, 3]
