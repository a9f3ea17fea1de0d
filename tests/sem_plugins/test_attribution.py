from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.errors import ReadingError
from sem_plugins.attribution import Attribution, Score, occlude, strongest
from tests.contracts.plugin_contract import LONG, ODD, ORDINARY


class Counting:
    """Scores a text by the planted words in it, and remembers what it was asked."""

    def __init__(self, **planted: float) -> None:
        self.planted = planted
        self.asked: list[list[str]] = []

    def __call__(self, texts: Sequence[str]) -> np.ndarray[Any, Any]:
        self.asked.append(list(texts))
        return np.array([sum(w * text.count(word) for word, w in self.planted.items()) for text in texts], float)


def words(text: str, **options: Any) -> list[str]:
    return [found.text for found in occlude(text, Counting(), **options)]


def left(text: str) -> list[str]:
    """What is scored in the place of `text`, unit by unit."""
    score = Counting()
    occlude(text, score)
    return score.asked[0][1:]


@pytest.mark.parametrize("text", ORDINARY)
def test_that_the_word_that_the_score_rests_on_gets_all_the_weight(text: str):
    found = occlude(f"{text} Then the heron came back.", Counting(heron=2.5))
    assert [(word.text, word.weight) for word in found if word.weight] == [("heron", 2.5)]


def test_that_a_word_that_speaks_against_the_score_has_a_negative_weight():
    found = occlude("A quiet, sunny day", Counting(quiet=-1.0, sunny=3.0))
    assert [(word.text, word.weight) for word in found] == [("A", 0), ("quiet", -1), ("sunny", 3), ("day", 0)]


def test_that_the_score_is_asked_once_for_the_text_and_for_it_without_each_word():
    score = Counting()
    occlude("I lost my keys.", score)
    assert score.asked == [
        ["I lost my keys.", "lost my keys.", "I my keys.", "I lost keys.", "I lost my."],
    ]


@pytest.mark.parametrize("unit", ["word", "phrase"])
@pytest.mark.parametrize("text", ODD.values(), ids=ODD.keys())
def test_that_spans_of_an_odd_text_index_it(text: str, unit: Any):
    score = Counting()
    found = occlude(text, score, unit=unit)
    end = 0
    for word in found:
        assert word.start >= end
        assert text[word.start : word.end] == word.text
        end = word.end
    assert [len(asked) for asked in score.asked] == ([len(found) + 1] if found else [])


@given(st.text(), st.sampled_from(["word", "phrase"]), st.integers(1, 9))
def test_that_spans_of_any_text_index_it_and_the_batch_is_bounded(text: str, unit: Any, most: int):
    score = Counting()
    found = occlude(text, score, unit=unit, most=most)
    assert len(found) <= most
    assert all(text[word.start : word.end] == word.text for word in found)
    assert all(one.end <= other.start for one, other in pairwise(found))
    assert [len(asked) for asked in score.asked] == ([len(found) + 1] if found else [])


@given(st.text())
def test_that_every_letter_and_digit_lies_in_one_word(text: str):
    inside = {place for word in occlude(text, Counting(), most=1000) for place in range(word.start, word.end)}
    assert {place for place, character in enumerate(text) if character.isalnum()} <= inside


@pytest.mark.parametrize("text", ["", " \n\t", ".", "?!?!… — ¿?", "'", "-", "\u0301", "\ufe0f", "\u200b\ufeff"])
def test_that_a_text_without_words_is_not_scored(text: str):
    score = Counting()
    assert occlude(text, score) == ()
    assert score.asked == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("I don't know, it\u2019s Rob's.", ["I", "don't", "know", "it\u2019s", "Rob's"]),
        ("the 'so-called' break-up", ["the", "so-called", "break-up"]),
        ("No -- not now", ["No", "not", "now"]),
        ("müde, naïve, Größe", ["müde", "naïve", "Größe"]),
        (ODD["stacked accents"], [ODD["stacked accents"]]),
        (ODD["Hindi"], ODD["Hindi"].split()),
        (ODD["Arabic"], ODD["Arabic"].split()),
        ("疲れた。Tシャツ", ["疲", "れ", "た", "T", "シ", "ャ", "ツ"]),
        ("만나서 반가워요", ["만나서", "반가워요"]),
        (ODD["a family of emoji"], ODD["a family of emoji"].split()),
        (ODD["a flag and a skin tone"], ODD["a flag and a skin tone"].split()),
        ("sad\N{LOUDLY CRYING FACE}\N{BROKEN HEART}!", ["sad", "\N{LOUDLY CRYING FACE}\N{BROKEN HEART}"]),
        ("\N{HEAVY BLACK HEART}\ufe0f you", ["\N{HEAVY BLACK HEART}\ufe0f", "you"]),
        ("می\u200cخواهم", ["می\u200cخواهم"]),
        ("at 7 on day 14", ["at", "7", "on", "day", "14"]),
    ],
)
def test_that_words_are_those_a_reader_sees(text: str, expected: list[str]):
    assert words(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "I am sad, so sad.",
            ["am sad, so sad.", "I sad, so sad.", "I am, so sad.", "I am sad, sad.", "I am sad, so."],
        ),
        ("  alone  again ", ["again ", "  alone "]),
        ("one\ntwo three", ["\ntwo three", "one\n three", "one\ntwo"]),
        ("疲れ", ["れ", "疲"]),
        ("Fine", [""]),
    ],
)
def test_that_the_spaces_before_a_word_go_with_it(text: str, expected: list[str]):
    assert left(text) == expected


def test_that_phrases_end_at_punctuation_and_at_line_ends():
    text = "My boss called, I froze. Why me?\nNothing helps - nothing (really not) \u2014 I'm done"
    assert words(text, unit="phrase") == [
        "My boss called",
        "I froze",
        "Why me",
        "Nothing helps",
        "nothing",
        "really not",
        "I'm done",
    ]


def test_that_a_phrase_without_an_end_is_cut_into_even_pieces_of_at_most_eight_words():
    text = " ".join("abcdefghijklmnopq")  # 17
    assert [len(phrase.split()) for phrase in words(text, unit="phrase")] == [5, 6, 6]
    assert [len(phrase.split()) for phrase in words("a b c d e f g h", unit="phrase")] == [8]


def test_that_a_text_of_many_words_is_read_in_phrases():
    text = "we met, we talked, we left"
    assert words(text, most=6) == text.replace(",", "").split()
    assert words(text, most=5) == text.split(", ")


def test_that_neighbouring_phrases_go_together_where_there_are_too_many():
    assert words("a, b, c, d, e", most=2) == ["a, b", "c, d, e"]
    assert words("a, b, c, d, e", unit="phrase", most=1) == ["a, b, c, d, e"]


def test_that_a_long_text_is_covered_from_end_to_end_in_a_bounded_batch():
    score = Counting(cup=1.0)
    found = occlude(LONG, score)
    assert [len(asked) for asked in score.asked] == [65]
    assert found[0].start == 0
    assert found[-1].end == len(LONG.rstrip(". "))
    assert sum(word.weight for word in found) == LONG.count("cup")


@pytest.mark.parametrize(
    "scores",
    [np.zeros(3), np.zeros((4, 1)), np.array(0.0), np.array([0, np.nan, 0, 0]), np.array([np.inf, 0, 0, 0])],
)
def test_that_scores_that_are_not_one_number_per_text_are_refused(scores: np.ndarray[Any, Any]):
    with pytest.raises(ReadingError, match=r"`score` gave shape .* for 4 texts"):
        occlude("one two three", lambda texts: scores)


def test_that_scores_of_any_precision_give_plain_numbers():
    half: Score = lambda texts: np.array([len(text) for text in texts], np.float16)  # noqa: E731
    assert [type(word.weight) for word in occlude("one two", half)] == [float, float]


@pytest.mark.parametrize(
    ("options", "named"),
    [({"unit": "letter"}, "'letter'. Choose from: word, phrase"), ({"most": 0}, "`most` is 0")],
)
def test_that_what_cannot_be_left_out_is_refused(options: dict[str, Any], named: str):
    with pytest.raises(ReadingError, match=named):
        occlude("one two", Counting(), **options)


@pytest.mark.parametrize(
    ("start", "end", "text", "weight", "named"),
    [
        (3, 3, "", 1.0, "3:3 is no span"),
        (-1, 1, "ab", 1.0, "-1:1 is no span"),
        (0, 3, "ab", 1.0, "2 characters and does not fit 0:3"),
        (0, 2, "ab", float("nan"), "weight` is nan"),
    ],
)
def test_that_an_attribution_that_is_none_is_refused(start: int, end: int, text: str, weight: float, named: str):
    with pytest.raises(ReadingError, match=named):
        Attribution(start, end, text, weight)


TEXT = "my poor old dog died, and it rained"


def weighed(**weights: float) -> tuple[Attribution, ...]:
    return occlude(TEXT, Counting(**weights))


def test_that_the_strongest_come_first_and_no_more_than_asked_for():
    found = weighed(poor=1.0, died=3.0, rained=2.0)
    assert [(word.text, word.weight) for word in strongest(TEXT, found, k=2)] == [("died", 3.0), ("rained", 2.0)]
    assert [word.text for word in strongest(TEXT, found)] == ["died", "rained", "poor"]


def test_that_neighbours_become_one_span_of_the_text_with_both_weights():
    found = strongest(TEXT, weighed(old=1.0, dog=2.0, died=3.0, rained=4.0), k=4)
    assert found == (Attribution(8, 20, "old dog died", 6.0), Attribution(29, 35, "rained", 4.0))


def test_that_words_with_a_mark_between_them_stay_apart():
    found = strongest(TEXT, weighed(died=3.0, **{"and": 2.0}))
    assert [word.text for word in found] == ["died", "and"]


def test_that_words_without_a_space_between_them_are_neighbours():
    text = "疲れた"
    assert strongest(text, occlude(text, Counting(疲=1.0, れ=1.0))) == (Attribution(0, 2, "疲れ", 2.0),)


def test_that_what_does_not_speak_for_the_score_is_never_among_the_strongest():
    found = weighed(poor=-9.0, dog=1.0)
    assert [word.text for word in strongest(TEXT, found, k=8)] == ["dog"]
    assert [word.text for word in strongest(TEXT, found, k=1)] == ["dog"]
    assert strongest(TEXT, weighed(poor=-9.0)) == ()
    assert strongest(TEXT, ()) == ()


def test_that_words_below_a_tenth_of_the_strongest_are_left_out():
    found = weighed(poor=0.09, died=1.0, rained=0.11)
    assert [word.text for word in strongest(TEXT, found)] == ["died", "rained"]


def test_that_attributions_of_another_text_are_refused():
    with pytest.raises(ReadingError, match="0:2 is of another text"):
        strongest("another one", weighed(dog=1.0))


def test_that_at_least_one_is_asked_for():
    with pytest.raises(ReadingError, match="`k` is 0"):
        strongest(TEXT, weighed(dog=1.0), k=0)
