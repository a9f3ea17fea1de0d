from __future__ import annotations

import pytest

from agent.decisions import Prompt, PromptMessage
from ui.page.side_by_side import Line, beside, lines_of, replies_beside

LONG = [f"line {number}" for number in range(12)]


def _of(texts: list[str]) -> list[Line]:
    return [Line(text) for text in texts]


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ([], []),
        (["a"], []),
        ([], ["a"]),
        (LONG, LONG),
        (LONG, [*LONG[:5], "new", *LONG[6:]]),
        (LONG, [*LONG, "last"]),
        (LONG, ["first", *LONG[3:9]]),
        (["a", "b"], ["c", "d"]),
    ],
    ids=["nothing", "went", "came", "same", "one", "end", "both-ends", "all"],
)
def test_that_each_side_is_whole_and_what_is_the_same_stands_on_both(left, right):
    runs = beside(_of(left), _of(right))
    assert [[line.text for run in side for line in run.lines] for side in runs] == [left, right]
    same = [[run for run in side if run.fate in {"same", "folded"}] for side in runs]
    assert same[0] == same[1]
    assert {run.fate for run in runs[0]} <= {"same", "folded", "gone"}
    assert {run.fate for run in runs[1]} <= {"same", "folded", "new"}


def test_that_lines_far_from_a_change_are_folded_and_its_neighbours_stay_in_sight():
    before, _ = beside(_of(LONG), _of([*LONG[:5], "new", *LONG[6:]]))
    assert [(run.fate, [line.text for line in run.lines]) for run in before] == [
        ("folded", LONG[:4]),
        ("same", [LONG[4]]),
        ("gone", [LONG[5]]),
        ("same", [LONG[6]]),
        ("folded", LONG[7:]),
    ]


def test_that_a_prompt_is_told_with_its_roles():
    messages = (PromptMessage("system", "Be kind.\n\nBe short."), PromptMessage("user", "Hello"))
    assert lines_of(Prompt(messages, "t", "0" * 64)) == [
        Line("", "system"),
        Line("Be kind."),
        Line("Be short."),
        Line("", "user"),
        Line("Hello"),
    ]


def test_that_replies_are_compared_by_sentence():
    before, after = replies_beside("I hear you. What helps?", "I hear you. You did well.")
    assert [(run.fate, run.lines[0].text) for run in before] == [("same", "I hear you."), ("gone", "What helps?")]
    assert [(run.fate, run.lines[0].text) for run in after] == [("same", "I hear you."), ("new", "You did well.")]
