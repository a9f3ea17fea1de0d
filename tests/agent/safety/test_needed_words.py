"""No pattern that could match is passed over for want of a word."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.safety.needed_words import needed_words


@pytest.mark.parametrize(
    ("pattern", "pieces"),
    [
        ("leave me", {"leave me"}),
        ("you (?:should|must) (?:kindly )?(?:leave|go away)(?! now)", {"leave", "go away"}),
        ("(?:stop|stopping) it", {"stop"}),
        ("(?:never|ab) (?:do|be)", set()),
        ("a{2,3}(?:pill)+", {"pill"}),
        ("(?:pill)*", set()),
        (r"\bdo(?!n't) it\b", {"do it"}),
        ("goodbye(?=.{0,9}forever)", {"goodbye"}),
        ("(?<!not )[a-z]{3}", set()),
        ("", set()),
    ],
)
def test_that_the_pieces_are_those_without_which_nothing_matches(pattern: str, pieces: set[str]):
    assert needed_words(pattern) == pieces


ATOMS = st.sampled_from(["you", "take", "the pill", "i", " ", r"\w+", "[ab]c", "^", "$", r"\b", "."])


def several(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    together = st.lists(inner, min_size=1, max_size=4)
    return st.one_of(
        together.map("".join),
        together.map(lambda parts: f"(?:{'|'.join(parts)})"),
        inner.map("(?:{})?".format),
        inner.map("(?:{}){{1,2}}".format),
        inner.map("(?={})".format),
        inner.map("(?!{})".format),
    )


@given(
    st.recursive(ATOMS, several, max_leaves=12),
    st.lists(st.sampled_from(["you", "take", "the pill", "i", " ", "ac", "x"]), max_size=12).map("".join),
)
def test_that_whatever_matches_holds_a_piece(pattern: str, text: str):
    pieces = needed_words(pattern)

    if pieces and re.search(pattern, text):
        assert any(piece in text for piece in pieces)
