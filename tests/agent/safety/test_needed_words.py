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
        ("leave me", [{"leave me"}]),
        (
            "you (?:should|must) (?:kindly )?(?:leave|go away)(?! now)",
            [{"leave", "go away"}, {"you should", "you must"}],
        ),
        ("(?:stop|stopping) it", [{"stop", "stopping"}, {" it"}]),
        ("[ab] (?:pill|pillow)", [{" pill", " pillow"}]),
        (r"\d(?:mg|mcg|m)\b", []),
        (r"\d+ ?(?:mg|mcg)\b", [{"mg", "mcg"}]),
        ("(?:never|a) (?:do|be)", [{" do", " be"}]),
        ("a{2,3}(?:pill)+", [{"pill"}]),
        ("(?:pill)*", []),
        (r"\bdo(?!n't) it\b", [{"do it"}]),
        ("goodbye(?=.{0,9}forever)", [{"forever"}, {"goodbye"}]),
        ("(?<!not )[a-z]{3}", []),
        ("", []),
    ],
)
def test_that_the_pieces_are_those_without_which_nothing_matches(pattern: str, pieces: list[set[str]]):
    assert sorted(map(sorted, needed_words(pattern))) == sorted(map(sorted, pieces))


def test_that_the_set_comes_first_of_which_the_fewest_texts_hold_a_piece():
    assert needed_words("you .*overdose .*(?:and|or|the)")[0] == {"overdose "}


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
def test_that_whatever_matches_holds_a_piece_of_each_set(pattern: str, text: str):
    needed = needed_words(pattern)

    if re.search(pattern, text):
        assert all(any(piece in text for piece in pieces) for pieces in needed)
