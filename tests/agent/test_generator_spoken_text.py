"""Thoughts and outer white space are taken out of a stream however it is cut into pieces."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.spoken_text import SpokenText

CASES = {
    "": "",
    " \n ": "",
    "I hear you.": "I hear you.",
    "\n I hear you. \n": "I hear you.",
    "It is < 3 and > 2 <b>": "It is < 3 and > 2 <b>",
    "<think>sad</think>I hear you.": "I hear you.",
    "<think>\nsad\n</think>\n\nI hear you.": "I hear you.",
    "<think></think>I hear you.": "I hear you.",
    "I hear<think>sad</think> you.": "I hear you.",
    "<think>a</think><think>b</think>I hear you.": "I hear you.",
    "<think>a <think> b</think>I hear you.": "I hear you.",
    "\n</think>\n\nI hear you.": "I hear you.",
    "<think>sad": "",
    "I hear you.<think>sad": "I hear you.",
    "I hear you. <thi": "I hear you. <thi",
    "<<think>sad</think>": "<",
    "<thinking>aloud": "<thinking>aloud",
}


def spoken(pieces: list[str]) -> tuple[list[str], SpokenText]:
    text = SpokenText()
    return [*(text.push(piece) for piece in pieces), text.finish()], text


@pytest.mark.parametrize(("stream", "said"), CASES.items(), ids=map(repr, CASES))
def test_that_thoughts_and_outer_white_space_are_not_said(stream, said):
    pieces, text = spoken([stream])
    assert "".join(pieces) == text.text == said
    assert not text.leaked


@pytest.mark.parametrize("stream", CASES, ids=map(repr, CASES))
def test_that_a_stream_of_single_characters_says_the_same(stream):
    pieces, text = spoken(list(stream))
    assert "".join(pieces) == text.text == CASES[stream]


@given(st.lists(st.sampled_from(["<", "think>", "</think>", "<think>", "/", " ", "\n", "so ", "sad"])), st.data())
def test_that_the_cuts_make_no_difference(parts, data):
    stream = "".join(parts)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)))))
    pieces = [stream[a:b] for a, b in zip([0, *cuts], [*cuts, len(stream)], strict=True)]
    (said, text), (whole_said, whole) = spoken(pieces), spoken([stream])
    assert "".join(said) == "".join(whole_said) == text.text == text.text.strip()
    assert text.leaked == whole.leaked


def test_that_text_is_not_held_back_without_need():
    text = SpokenText()
    assert text.push("I hear") == "I hear"
    assert text.push(" you, ") == " you,"
    assert text.push("and <") == " and"
    assert text.push("3") == " <3"


def test_that_a_thought_which_had_no_beginning_has_leaked():
    assert spoken(["She is sad.</think>I hear you."])[1].leaked
    assert spoken(["She is sad.", "</think>"])[1].leaked
