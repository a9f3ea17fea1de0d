"""What a text may hold is found however its pieces lie, and nothing that it may hold is left out."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.pieces import Pieces

PIECES = st.text("ab c", max_size=5)
NEEDS = st.lists(st.lists(st.frozensets(PIECES, max_size=4), max_size=3), max_size=8)


@pytest.mark.parametrize(
    ("text", "met"),
    [
        ("", [3]),
        ("my dog", [3]),
        ("my dog died", [0, 3]),
        ("dogdied", [0, 3]),
        ("an ox", [2, 3]),
        ("Dog died, and so did my exam", [1, 3]),
        ("the cat died of an ox, says the exam", [0, 1, 2, 3]),
    ],
)
def test_that_a_need_is_met_by_a_piece_of_each_set(text: str, met: list[int]):
    assert Pieces([[{"dog", "cat"}, {"died", "dead"}], [{"exam"}], [("ox",)], []]).met_by(text) == met


def test_that_nothing_is_met_where_nothing_is_needed_of_anybody():
    assert Pieces([]).met_by("anything") == []


@given(NEEDS, st.text("ab c", max_size=30))
def test_that_needs_are_met_where_looking_for_every_piece_says_so(needs: list[list[frozenset[str]]], text: str):
    met = [
        place for place, need in enumerate(needs) if all(any(piece in text for piece in pieces) for pieces in need)
    ]

    assert Pieces(needs).met_by(text) == met
