from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.turn import Message
from sem_plugins.empathy.reader import EmpathyReader, empathy_reader
from sem_plugins.labels import EMPATHY
from sem_plugins.weights import Head, load_manifest
from sem_plugins.window import Window
from tests.contracts.plugin_contract import LONG, ODD
from tests.sem_plugins.fake_encoder import NO, YES, FakeEncoder, on_words

MESSAGE = "I moved here in May and I still eat lunch alone."
REPLY = "I'm so sorry. Eating alone every day sounds lonely. Who would you like to sit with?"
WORDS = {
    "emotional_reactions": "I'm so sorry.",
    "interpretations": "sounds lonely",
    "explorations": "Who would you like to sit with?",
}
# Mechanisms in order, each with the logits of levels 0, 1 and 2: strong, none, weak.
STRONG_NONE_WEAK = (0.0, 1.0, 3.0, 2.0, 0.0, 0.0, 0.0, 2.0, 1.0)
ALL_STRONG = (0.0, 0.0, 3.0) * 3


def reader(levels: tuple[float, ...], **options: Any) -> EmpathyReader:
    options = {"rationale": on_words(1, WORDS)} | options
    return EmpathyReader(FakeEncoder(empathy=levels, **options))


@pytest.fixture(scope="module")
def shipped() -> EmpathyReader:
    return empathy_reader(SimpleNamespace(threads=1))


def test_that_each_mechanism_has_its_own_distribution_over_three_levels():
    reading = reader(STRONG_NONE_WEAK)(MESSAGE, REPLY)
    assert tuple(reading.levels) == EMPATHY.labels
    assert [reading.level(mechanism) for mechanism in EMPATHY.labels] == [2, 0, 1]
    none, weak, strong = reading.levels["emotional_reactions"]
    assert none + weak + strong == pytest.approx(1)
    assert strong / weak == pytest.approx(np.exp(2))


def test_that_logits_are_divided_by_the_temperature_of_the_manifest():
    reading = reader(STRONG_NONE_WEAK, calibrated={"empathy": {"temperature": 2.0}})(MESSAGE, REPLY)
    _, weak, strong = reading.levels["emotional_reactions"]
    assert strong / weak == pytest.approx(np.exp(1))


def test_that_the_words_of_a_mechanism_are_spans_of_the_reply():
    reading = reader(ALL_STRONG)(MESSAGE, REPLY)
    words = {name: [REPLY[start:end] for start, end in spans] for name, spans in reading.rationales.items()}
    assert words == {name: [phrase] for name, phrase in WORDS.items()}


def test_that_a_mechanism_at_level_0_has_no_words():
    reading = reader(STRONG_NONE_WEAK)(MESSAGE, REPLY)
    assert set(reading.rationales) == {"emotional_reactions", "explorations"}


def test_that_words_count_from_their_own_threshold_on():
    strict = {"rationale": {"thresholds": (0.5, 0.999, 0.5)}}  # YES is 0.998
    reading = reader(ALL_STRONG, calibrated=strict)(MESSAGE, REPLY)
    assert reading.rationales["interpretations"] == ()
    assert reading.rationales["explorations"] != ()


def test_that_words_of_the_message_are_never_taken_for_the_replys():
    everywhere = reader(
        ALL_STRONG, rationale=lambda _, window, head: np.full((len(window.places), head.size), YES)
    )
    for spans in everywhere(MESSAGE, "Oh no.").rationales.values():
        assert spans == ((0, 6),)


def test_that_pieces_of_a_word_become_the_word_once():
    def at_both_ends(_: Any, window: Window, head: Head) -> np.ndarray[Any, Any]:
        found = np.full((len(window.places), head.size), NO)
        word = window.tokens_of(1)
        assert word.size > 4
        found[word[[0, -1]]] = YES
        return found

    reply = "Antidisestablishmentarianism"
    for spans in reader(ALL_STRONG, rationale=at_both_ends)(MESSAGE, reply).rationales.values():
        assert spans == ((0, len(reply)),)


def test_that_spans_stay_those_of_the_reply_where_the_message_does_not_fit():
    reading = reader(ALL_STRONG)(LONG, REPLY)
    [(start, end)] = reading.rationales["interpretations"]
    assert REPLY[start:end] == "sounds lonely"


def test_that_the_end_of_a_reply_that_is_too_long_is_read_at_its_place():
    reply = "I had a day like that once too. " * 60 + REPLY
    [(start, end)] = reader(ALL_STRONG)(MESSAGE, reply).rationales["explorations"]
    assert reply[start:end] == WORDS["explorations"]
    assert start > 1000


def test_that_the_reply_is_read_as_the_supporters_answer_to_the_message():
    encoder = FakeEncoder(empathy=ALL_STRONG, rationale=on_words(1, {}))
    EmpathyReader(encoder)(MESSAGE, REPLY)
    assert [dialogue for dialogue, _ in encoder.seen] == [
        (Message("seeker", MESSAGE), Message("supporter", REPLY)),
    ]


@given(st.text(), st.text(), st.lists(st.floats(-9, 9), min_size=9, max_size=9))
def test_that_any_two_texts_can_be_read(message: str, reply: str, levels: list[float]):
    everywhere = reader(
        tuple(levels), rationale=lambda _, window, head: np.full((len(window.places), head.size), YES)
    )
    reading = everywhere(message, reply)
    for name, spans in reading.rationales.items():
        assert reading.level(name) > 0
        assert all(0 <= start < end <= len(reply) for start, end in spans)


@pytest.mark.parametrize("reply", [REPLY, "", ODD["a lone surrogate"], ODD["Arabic"], LONG])
def test_that_the_shipped_encoder_reads_a_reply(shipped: EmpathyReader, reply: str):
    reading = shipped(MESSAGE, reply)
    assert all(sum(levels) == pytest.approx(1) for levels in reading.levels.values())
    assert {name for name in EMPATHY.labels if reading.level(name)} == set(reading.rationales)
    assert all(0 <= start < end <= len(reply) for spans in reading.rationales.values() for start, end in spans)
    assert reading.source == load_manifest().id
