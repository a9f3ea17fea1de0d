from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.protocols import Plugin
from agent.readings import CauseReading
from agent.testing import a_turn
from agent.turn import Message
from sem_plugins.cause.plugin import CausePlugin, create
from sem_plugins.labels import CAUSE_TYPES
from sem_plugins.probability import sigmoid
from tests.contracts.plugin_contract import PluginContract
from tests.sem_plugins.fake_encoder import NO, YES, FakeEncoder, at_marks, on_ends

HISTORY = (
    Message("seeker", "My brother crashed my bike on Friday."),
    Message("supporter", "Was anybody hurt?", "question"),
    Message("seeker", "He broke his arm."),
    Message("supporter", "That must have been a shock.", "reflection"),
)
TEXT = "I shouted at him in the hospital and I can't forgive myself."
TYPES = {"self-contagion": 2.0, "inter-personal": 1.0}
SAD, NEUTRAL = {"sadness": 2.0}, {"neutral": 1.0}


def fake(causes: dict[int, float], phrases: dict[int, str], **options: Any) -> FakeEncoder:
    """An encoder that finds these utterances and words; sad by default."""
    chosen = {"expression": SAD, "cause_type": TYPES, "cause": at_marks(causes), "span": on_ends(phrases)}
    return FakeEncoder(**(chosen | options))


def read(encoder: FakeEncoder, text: str = TEXT, *, history: tuple[Message, ...] = HISTORY) -> CauseReading:
    [reading] = CausePlugin(encoder)([a_turn(text, history=history)])
    return reading


def words(reading: CauseReading) -> list[tuple[int, str]]:
    return [(span.utterance, span.text) for span in reading.spans]


def everywhere(value: float) -> Any:
    """The same number at every token."""
    return lambda _, window, head: np.full((len(window.places), head.size), value)


def test_that_the_words_of_a_causal_utterance_are_found_with_its_probability():
    [span] = read(fake({4: 1.5}, {4: "shouted at him"})).spans
    assert (span.utterance, span.text) == (4, "shouted at him")
    assert TEXT[span.start : span.end] == "shouted at him"
    assert span.score == pytest.approx(sigmoid(np.array(1.5)).item())


def test_that_how_far_back_an_utterance_stands_counts():
    phrases = {0: "crashed my bike", 2: "broke his arm", 4: "shouted at him"}
    calibrated = {"cause": {"by_distance": (0.5, 0.0, 0.0, -3.0)}}
    reading = read(fake(dict.fromkeys(phrases, 1.0), phrases, calibrated=calibrated))
    assert words(reading) == [(4, "shouted at him"), (2, "broke his arm")]  # four back: the last number
    assert [span.score for span in reading.spans] == pytest.approx(sigmoid(np.array([1.5, 1.0])).tolist())


def test_that_a_span_that_ends_in_a_word_takes_all_of_it():
    text = "Its unfathomableness scares me."
    assert words(read(fake({0: YES}, {0: "un"}), text, history=())) == [(0, "unfathomableness")]


def test_that_causes_may_lie_in_what_the_seeker_said_before_and_the_surest_comes_first():
    phrases = {0: "crashed my bike", 2: "broke his arm", 3: "a shock"}
    reading = read(fake({2: 3.0, 0: 1.0, 3: 2.0}, phrases))
    assert words(reading) == [(2, "broke his arm"), (0, "crashed my bike")]  # the shock is the supporter's word
    assert all(HISTORY[span.utterance].text[span.start : span.end] == span.text for span in reading.spans)


def test_that_an_utterance_is_a_cause_from_the_threshold_of_the_manifest_on():
    causes, phrases = {2: -1.0, 4: -1.5}, {2: "broke his arm", 4: "shouted"}  # 0.27 and 0.18
    assert read(fake(causes, phrases)).spans == ()
    strict, mild = ({"cause": {"thresholds": (threshold,)}} for threshold in (0.25, 0.15))
    assert words(read(fake(causes, phrases, calibrated=strict))) == [(2, "broke his arm")]
    assert len(read(fake(causes, phrases, calibrated=mild)).spans) == 2


def test_that_logits_are_divided_by_the_temperatures_of_the_manifest():
    calibrated = {"cause": {"temperature": 2.0}, "cause_type": {"temperature": 4.0}}
    reading = read(fake({4: 3.0}, {4: "shouted"}, calibrated=calibrated))
    assert reading.spans[0].score == pytest.approx(sigmoid(np.array(1.5)).item())
    assert reading.types["self-contagion"] == pytest.approx(sigmoid(np.array(0.5)).item())


def test_that_there_are_at_most_three_causes_and_they_are_the_surest():
    phrases = {0: "bike", 1: "hurt", 2: "arm", 3: "shock", 4: "hospital"}
    history = tuple(Message("seeker", message.text) for message in HISTORY)
    reading = read(fake({0: 1.0, 1: 5.0, 2: 4.0, 3: 2.0, 4: 3.0}, phrases), history=history)
    assert words(reading) == [(1, "hurt"), (2, "arm"), (4, "hospital")]


def test_that_what_shows_no_emotion_has_no_cause():
    reading = read(fake({4: YES}, {4: "shouted"}, expression=NEUTRAL))
    assert reading == CauseReading(source="fake-1")
    assert read(fake({4: YES}, {4: "shouted"}, expression={"neutral": -0.1})).spans


@pytest.mark.parametrize(
    "text",
    [
        "Ich bin so traurig, weil meine Katze gestorben ist und ich niemanden zum Reden habe.",
        "Я не знаю, что делать дальше.",
        "for item in items:\n    print(item.name)\n",
        "asdf qwer zxcv asdf lkjh",
    ],
    ids=["German", "Russian", "code", "a mash of keys"],
)
def test_that_of_what_is_not_english_it_cannot_tell(text: str):
    encoder = fake({0: YES}, {0: "bike"})
    assert read(encoder, text) == CauseReading(source="fake-1")
    assert encoder.seen == []


@pytest.mark.parametrize("text", ["Yes.", "\N{BROKEN HEART}", "4711"])
def test_that_a_short_answer_may_have_a_cause_before_it(text: str):
    assert words(read(fake({2: YES}, {2: "broke his arm"}), text)) == [(2, "broke his arm")]


def test_that_types_are_named_where_a_cause_is_found_and_only_there():
    found = read(fake({4: YES}, {4: "shouted"})).types
    assert tuple(found) == CAUSE_TYPES.labels
    assert max(found, key=found.__getitem__) == "self-contagion"
    assert found["inter-personal"] == pytest.approx(sigmoid(np.array(1.0)).item())
    assert read(fake({}, {})).types == {}


def test_that_an_utterance_keeps_its_place_in_the_dialogue_where_the_oldest_do_not_fit():
    old = tuple(
        Message("seeker", f"It rained on day {day} and we played cards all day long.") for day in range(60)
    )
    reading = read(fake({62: YES}, {62: "broke his arm"}), history=(*old, *HISTORY))
    assert words(reading) == [(62, "broke his arm")]


def test_that_the_end_of_a_message_that_is_too_long_is_read_at_its_place():
    text = "We went on and on about the weather and the price of bread. " * 60 + TEXT
    [span] = read(fake({4: YES}, {4: "shouted at him"}), text).spans
    assert text[span.start : span.end] == span.text == "shouted at him"
    assert span.start > 3000


def test_that_a_causal_utterance_without_words_gives_no_span():
    encoder = fake({0: YES, 1: YES}, {1: "broke"})
    assert words(read(encoder, "It broke.", history=(Message("seeker", ""),))) == [(1, "broke")]


@given(st.lists(st.text(max_size=200), min_size=1, max_size=4))
def test_that_spans_of_any_dialogue_lie_in_its_words(texts: list[str]):
    *before, text = texts
    history = tuple(Message("seeker", said) for said in before)
    encoder = FakeEncoder(
        expression=SAD, cause_type=TYPES, cause=everywhere(YES), span=everywhere(NO), max_tokens=64
    )
    for span in read(encoder, text, history=history).spans:
        assert texts[span.utterance][span.start : span.end] == span.text


def test_that_the_double_fails_where_it_is_asked_for_what_was_not_chosen():
    with pytest.raises(AssertionError, match="'cause_type' was not expected"):
        CausePlugin(FakeEncoder(cause=at_marks({})))
    with pytest.raises(AssertionError, match="no heads \\['mood'\\]"):
        FakeEncoder(mood={"sad": YES})
    with pytest.raises(AssertionError, match=r"shape \(5,\), not \(2,\)"):
        read(fake({}, {}, cause_type=(0.0, 1.0)))


class TestCausePlugin(PluginContract):
    @pytest.fixture
    def plugin(self) -> Plugin:
        return create(SimpleNamespace(threads=1))
