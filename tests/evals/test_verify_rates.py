"""How often the verifier objects to what people wrote: which replies are looked at, and how."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from evals.verify_rates import answered, portions_of, rates
from sem_plugins.verify.checks import FEEDBACK
from tests.sem_plugins.tiny_sets import support, write_sets

TALKS = [
    support(
        "one",
        "My shed burned down and I could scream all day.",
        ("I am a human. I am so sorry. What did you lose in it, if I may ask?", "Question"),
        ("Take your time.", "Others"),
        "All my father's tools, every single one.",
        ("They were a piece of him.", "Reflection of feelings"),
    ),
    support("two", "I start on Monday.", ("That is near. Are you ready for it, do you think?", "Question"), "No."),
]


def folder(tmp_path: Path) -> Path:
    return write_sets(tmp_path, {"esconv/valid.jsonl": TALKS})


def test_that_each_message_comes_with_the_answer_that_followed_at_once_and_its_strategy(tmp_path: Path):
    found = answered(folder(tmp_path), "valid")
    assert [(turn.conversation_id, turn.index, turn.plan.chosen.id) for turn, _ in found if turn.plan] == [
        ("one", 0, "question"),
        ("one", 1, "reflection"),
        ("two", 0, "question"),
    ]
    assert found[1][1] == "They were a piece of him."
    assert [message.role for message in found[1][0].history] == ["seeker", "supporter", "supporter"]


def test_that_a_reply_is_looked_at_as_a_draft_would_be():
    assert list(portions_of("It rains. It pours. Go home")) == [
        "It rains. It pours.",
        "It rains. It pours. Go home",
    ]
    assert list(portions_of("Yes.")) == ["Yes."]


def test_that_every_check_has_a_rate_and_every_look_a_time(tmp_path: Path):
    found = rates(folder(tmp_path))
    assert list(found.own) == list(found.others) == ["any", *FEEDBACK]
    assert {name: found.own[name].n for name in found.own} == dict.fromkeys(found.own, 3)
    assert found.own["safety"].value == found.others["safety"].value == 1 / 3
    assert found.own["any"].value >= 1 / 3
    assert len(found.milliseconds) == 3
    assert all(time > 0 for time in found.milliseconds)


@pytest.mark.data
def test_that_the_checks_leave_most_of_what_people_wrote_alone():
    root = os.environ.get("HEARTLINE_DATA")
    if not root:
        pytest.skip("HEARTLINE_DATA is not set: it names the folder with prepared data sets")
    found = rates(Path(root), limit=100)
    assert found.own["any"].value < 0.15  # 8.6% of all
    assert found.own["worse"].value <= 0.05  # 1.8% of all
    assert found.others["plan"].value > 3 * found.own["plan"].value
