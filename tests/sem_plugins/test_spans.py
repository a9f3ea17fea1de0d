from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer

from agent.turn import Message
from sem_plugins.spans import best_span, tagged, whole_words
from sem_plugins.weights import SHIPPED, TOKENIZER
from sem_plugins.window import Window, WindowMaker

Array = np.ndarray[Any, Any]

LONGEST = 64


def window_of(*sizes: int) -> Window:
    """Utterances of that many tokens, each a letter and a space; one of no tokens did not fit."""
    places, offsets, marks = [-1, -1], [(0, 0), (0, 0)], {}
    for utterance, size in enumerate(sizes):
        if size:
            marks[utterance] = len(places)
        places += [-1, *[utterance] * size]
        offsets += [(0, 0), *((2 * token, 2 * token + 1) for token in range(size))]
    places, offsets = [*places, -1], [*offsets, (0, 0)]
    return Window(
        ids=np.zeros(len(places), np.int64),
        types=np.zeros(len(places), np.int64),
        places=np.array(places),
        offsets=np.array(offsets),
        marks=marks,
        dropped=0,
        cut=0,
    )


def scores_for(window: Window, utterance: int, *, first: dict[int, float], last: dict[int, float]) -> Array:
    """Logits of 0 but for some tokens of one utterance."""
    scores = np.zeros((len(window.ids), 2), np.float32)
    for column, chosen in enumerate((first, last)):
        for token, score in chosen.items():
            scores[window.tokens_of(utterance)[token], column] = score
    return scores


def probabilities_for(window: Window, utterance: int, *rows: float) -> Array:
    """The probabilities of one utterance's tokens, and sure ones everywhere else."""
    probabilities = np.ones(len(window.ids))
    probabilities[window.tokens_of(utterance)] = rows
    return probabilities


def test_that_the_best_span_runs_from_the_likeliest_first_to_the_likeliest_last_token():
    window = window_of(4, 6)
    scores = scores_for(window, 1, first={1: 5.0, 4: 2.0}, last={3: 5.0, 0: 2.0})
    assert best_span(scores, window, 1) == (2, 7)


def test_that_a_span_may_be_one_token():
    window = window_of(5)
    assert best_span(scores_for(window, 0, first={2: 3.0}, last={2: 3.0}), window, 0) == (4, 5)


def test_that_a_span_never_ends_before_it_begins():
    window = window_of(6)
    # The two surest are in the wrong order: of the orders that are left, 4..4 has 9, 0..1 has 8.
    scores = scores_for(window, 0, first={4: 9.0}, last={1: 8.0})
    assert best_span(scores, window, 0) == (8, 9)


def test_that_a_span_stays_in_its_utterance_whatever_the_others_score():
    window = window_of(3, 3, 3)
    scores = scores_for(window, 1, first={1: 1.0}, last={2: 1.0})
    scores[window.tokens_of(0), 0] = 50.0
    scores[window.tokens_of(2), 1] = 50.0
    scores[window.places < 0] = 90.0
    assert best_span(scores, window, 1) == (2, 5)


def test_that_an_utterance_that_did_not_fit_has_no_span():
    window = window_of(0, 3)
    scores = np.ones((len(window.ids), 2))
    assert best_span(scores, window, 0) is None
    assert best_span(scores, window, 7) is None
    assert tagged(scores[:, 0], window, 0, threshold=0.5) == []


@pytest.mark.parametrize(("last", "end"), [(LONGEST - 1, 2 * LONGEST - 1), (LONGEST, 1)])
def test_that_a_span_has_at_most_sixty_four_tokens(last: int, end: int):
    window = window_of(100)
    # Where the far end is too far, the span from 0 on that is left ends at token 0.
    scores = scores_for(window, 0, first={0: 9.0}, last={last: 5.0, 0: 1.0})
    assert best_span(scores, window, 0) == (0, end)


@given(st.lists(st.tuples(st.integers(-9, 9), st.integers(-9, 9)), min_size=1, max_size=8))
def test_that_no_pair_of_tokens_in_order_is_likelier(rows: list[tuple[int, int]]):
    window = window_of(2, len(rows), 2)
    scores = np.full((len(window.ids), 2), 20.0)
    scores[window.tokens_of(1)] = rows
    found = best_span(scores, window, 1)
    assert found is not None
    first, last = found[0] // 2, (found[1] - 1) // 2
    assert first <= last
    pairs = itertools.combinations_with_replacement(range(len(rows)), 2)
    assert rows[first][0] + rows[last][1] == max(rows[one][0] + rows[other][1] for one, other in pairs)


def test_that_spans_of_a_real_window_are_words_as_they_were_typed():
    text = "Well, my brother's flat  BURNED down, so that's that."
    window = WindowMaker(Tokenizer.from_file(str(SHIPPED / TOKENIZER)), 160)(
        [Message("seeker", text), Message("supporter", "Oh no.", "others"), Message("seeker", "Yes.")]
    )
    chosen = [token for token in window.tokens_of(0) if 6 <= window.offsets[token, 0] < text.index(", so")]
    scores = np.zeros((len(window.ids), 2))
    scores[chosen[0], 0] = scores[chosen[-1], 1] = 4.0
    assert best_span(scores, window, 0) == (6, 36)
    probabilities = np.zeros(len(window.ids))
    probabilities[chosen] = 0.9
    spans = tagged(probabilities, window, 0, threshold=0.5)
    assert [text[start:end] for start, end in spans] == ["my brother's flat  BURNED down"]


@pytest.mark.parametrize(
    ("rows", "spans"),
    [
        ((0.1, 0.2, 0.3), []),
        ((0.9, 0.9, 0.9), [(0, 5)]),
        ((0.9, 0.1, 0.1), [(0, 1)]),
        ((0.1, 0.1, 0.9), [(4, 5)]),
        ((0.9, 0.1, 0.9), [(0, 5)]),
        ((0.9, 0.1, 0.1, 0.9), [(0, 1), (6, 7)]),
        ((0.9, 0.1, 0.9, 0.1, 0.9), [(0, 9)]),
        ((0.9, 0.9, 0.1, 0.1, 0.1, 0.9, 0.1), [(0, 3), (10, 11)]),
    ],
    ids=["none", "all", "first", "last", "one gap", "a gap of two", "two gaps of one", "a gap of three"],
)
def test_that_tagged_words_are_joined_over_one_gap_and_no_more(
    rows: tuple[float, ...], spans: list[tuple[int, int]]
):
    window = window_of(2, len(rows), 2)
    assert tagged(probabilities_for(window, 1, *rows), window, 1, threshold=0.5) == spans


def test_that_a_token_just_at_the_threshold_is_tagged():
    window = window_of(3)
    assert tagged(probabilities_for(window, 0, 0.4, 0.25, 0.0), window, 0, threshold=0.25) == [(0, 3)]


def test_that_an_empty_message_has_no_spans():
    window = WindowMaker(Tokenizer.from_file(str(SHIPPED / TOKENIZER)), 160)([Message("seeker", "")])
    assert best_span(np.ones((len(window.ids), 2)), window, 0) is None
    assert tagged(np.ones(len(window.ids)), window, 0, threshold=0.0) == []


@pytest.mark.parametrize(
    ("text", "span", "expected"),
    [
        ("unbelievably late", (2, 7), "unbelievably"),
        ("I lost my keys.", (2, 9), "lost my"),
        ("I lost my keys.", (2, 14), "lost my keys"),
        ("can't sleep", (0, 3), "can"),
        ("keys", (0, 4), "keys"),
    ],
)
def test_that_a_span_grows_to_the_words_it_begins_and_ends_in(text: str, span: tuple[int, int], expected: str):
    start, end = whole_words(text, span)
    assert text[start:end] == expected
