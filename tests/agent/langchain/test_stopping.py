"""Stop texts."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from agent.langchain.stopping import Stopping

LETTERS = st.text("ab.", max_size=12)


@given(text=LETTERS, cuts=st.lists(st.integers(0, 12)), stops=st.lists(st.text("ab.", max_size=3), max_size=3))
def test_that_however_a_text_is_chopped_up_it_ends_before_the_first_stop_text(text, cuts, stops):
    edges = sorted({0, len(text), *(min(cut, len(text)) for cut in cuts)})
    stopping = Stopping(stops)
    came = "".join(stopping.push(text[a:b]) for a, b in pairwise(edges)) + stopping.finish()
    places = [text.find(stop) for stop in stops if stop and stop in text]
    assert came == text[: min(places, default=len(text))]


def test_that_what_cannot_begin_a_stop_text_is_shown_at_once():
    stopping = Stopping(["END"])
    assert stopping.push("Well, E") == "Well, "
    assert stopping.push("ven so") == "Even so"
    assert stopping.push(" END and more") == " "
    assert stopping.stopped
    assert stopping.push("more") == ""
