"""What the words of a draft say against it: repetition, other scripts, role marks."""

from __future__ import annotations

import pytest

from sem_plugins.verify.words import (
    has_role_marks,
    in_other_script,
    repeats_one_of,
)

SAID = "It must be lonely to eat at that long table night after night. Who used to sit there with you?"


@pytest.mark.parametrize(
    "draft",
    [
        SAID,
        SAID.upper(),
        SAID.replace(".", "!").replace(" to ", "  to "),
        "It must be so lonely to eat at that long table night after night. Who used to sit there with you?",
        "It must be lonely to eat at that long table night after night.",
    ],
)
def test_that_a_reply_that_was_given_before_is_found_in_nearly_the_same_words(draft: str):
    assert repeats_one_of(draft, ["Hello there, how was the week?", SAID])


@pytest.mark.parametrize(
    "draft",
    [
        "",
        "Who used to sit there?",  # too short to be a repetition
        "It must be lonely to come home to an empty flat. What do you do then?",
        "Who used to sit there with you, and what happened to all of them since then?",
    ],
)
def test_that_a_new_reply_is_no_repetition(draft: str):
    assert not repeats_one_of(draft, [SAID])
    assert not repeats_one_of(draft, [])


@pytest.mark.parametrize(
    ("message", "text", "other"),
    [
        ("My roof leaks again.", "听起来很难过，你还好吗？", True),
        ("屋顶又漏水了，我受不了了。", "That sounds tiring.", True),
        ("У меня болит спина.", "That sounds tiring.", True),
        ("屋根がまた漏れている。", "屋顶又漏水了。", False),  # they share signs
        ("My roof leaks again.", "That is “忍” in Japanese.", False),
        ("My roof leaks again.", "😊👍🏽", False),
        ("ok", "听起来很难过，你还好吗？", False),  # two letters may be anybody's
        ("My roof leaks again.", "Dein Dach? Schon wieder?", False),
    ],
)
def test_that_the_script_of_most_letters_counts(message: str, text: str, *, other: bool):
    assert in_other_script(message, text) is other


@pytest.mark.parametrize(
    "draft",
    [
        "I hear you.<|im_end|>",
        "<|start_header_id|>assistant",
        "I hear you. [/INST]",
        "<start_of_turn>user",
        "I hear you.\nUser: I lost my keys.",
        "I hear you.\n**Assistant**: Go on.",
        "### Response:\nI hear you.",
        "### Instruction\nBe kind.",
        "</s>",
    ],
)
def test_that_marks_of_roles_are_found(draft: str):
    assert has_role_marks(draft)


@pytest.mark.parametrize(
    "draft",
    [
        "The system: who made it, and for whom?",
        "Ask a human being there: they know the user best.",
        "Here are two things:\n- tea\n- a walk",
        "<3",
        "It is 3 < 4, and you know it.",
    ],
)
def test_that_other_signs_are_no_marks(draft: str):
    assert not has_role_marks(draft)
