"""The cues of an utterance: what its outside says, whatever it is made of."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sem_plugins.verify.cues import CUES, cues_of


def cue(name: str, text: str) -> float:
    return float(cues_of(text)[CUES.index(name)])


@pytest.mark.parametrize(
    ("name", "with_it", "without"),
    [
        ("ends as a question", "It leaked. And then?", "Did it leak? It did."),
        ("question word first", "When did it leak?", "It leaked when it rained."),
        ("auxiliary first", "Did it leak?", "It did leak."),
        ("imperative first", "Call the landlord.", "The landlord will call."),
        ("first person", "I had a leak, too.", "The roof had a leak."),
        ("second person", "Your roof leaks.", "The roof leaks."),
        ("it seems", "It sounds like a long night.", "It was a long night."),
        ("so you", "So the roof leaks.", "The roof leaks so much."),
        ("how about", "How about a bucket?", "A bucket helped."),
        ("greeting", "Good evening to you.", "The roof leaks."),
        ("address", "See example.org for roofs.", "See the roof."),
        ("exclamations", "It holds!", "It holds."),
    ],
)
def test_that_a_cue_is_there_where_its_sign_is(name: str, with_it: str, without: str):
    assert cue(name, with_it) > cue(name, without)
    assert cue(name, without) == 0


@given(st.text(max_size=200))
def test_that_any_text_has_finite_cues(text: str):
    cues = cues_of(text)
    assert cues.shape == (len(CUES),)
    assert np.isfinite(cues).all()


def test_that_curly_and_straight_apostrophes_are_one():
    assert np.array_equal(
        cues_of("I’ve been there. You’re not alone."), cues_of("I've been there. You're not alone.")
    )
