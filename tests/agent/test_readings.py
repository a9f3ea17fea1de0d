"""Readings check themselves: what is no distribution, no point and no span never comes to be."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import FrozenInstanceError
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from agent.decisions import Strategy, Taxonomy
from agent.errors import HeartlineError, ReadingError
from agent.readings import (
    SUM_TOLERANCE,
    Affect,
    CausalSpan,
    CauseReading,
    EmotionReading,
    ExpressionReading,
    LabelSet,
    RiskReading,
    StrategyReading,
)

Distribution = Mapping[str, float]

EXCLUSIVE = [EmotionReading, StrategyReading]
ALL = [*EXCLUSIVE, ExpressionReading]

weights = st.lists(st.floats(0, 1e6), min_size=1, max_size=40).filter(lambda values: sum(values) > 1e-6)


def distribution(values: list[float]) -> dict[str, float]:
    """Labels `a0`, `a1`, … with these weights, scaled to sum to 1."""
    total = math.fsum(values)
    return {f"a{place}": value / total for place, value in enumerate(values)}


@given(weights)
@pytest.mark.parametrize("kind", ALL)
def test_that_any_distribution_is_kept_as_it_is(kind: Callable[[str, Distribution], Any], values: list[float]):
    probabilities = distribution(values)
    reading = kind("some", probabilities)
    assert reading.probabilities == probabilities
    assert list(reading.probabilities) == list(probabilities)


@given(weights, st.one_of(st.floats(0, 0.99), st.floats(1.01, 50)))
@pytest.mark.parametrize("kind", EXCLUSIVE)
def test_that_what_does_not_sum_to_one_is_refused(
    kind: Callable[[str, Distribution], Any], values: list[float], factor: float
):
    scaled = {label: value * factor for label, value in distribution(values).items()}
    with pytest.raises(ReadingError):
        kind("some", scaled)


@pytest.mark.parametrize("kind", EXCLUSIVE)
@pytest.mark.parametrize("drift", [-0.9, 0.9])
def test_that_rounding_of_a_softmax_is_forgiven(kind: Callable[[str, Distribution], Any], drift: float):
    kind("some", {"a": 0.5, "b": 0.5 + drift * SUM_TOLERANCE})


@pytest.mark.parametrize("drift", [-1.5, 1.5])
@pytest.mark.parametrize("kind", EXCLUSIVE)
def test_that_more_than_rounding_is_named(kind: Callable[[str, Distribution], Any], drift: float):
    with pytest.raises(ReadingError, match=rf"`{kind.__name__}\.probabilities` sums to [01]\.\d+; a distr"):
        kind("some", {"a": 0.5, "b": 0.5 + drift * SUM_TOLERANCE})


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, -0.01, 1.01])
@pytest.mark.parametrize("kind", ALL)
def test_that_what_is_no_probability_is_refused(kind: Callable[[str, Distribution], Any], value: float):
    with pytest.raises(ReadingError, match=rf"`{kind.__name__}\.probabilities` holds a value outside \[0, 1\]"):
        kind("some", {"a": value, "b": 0.5})


@pytest.mark.parametrize("kind", ALL)
def test_that_an_empty_distribution_is_refused_with_the_cure(kind: Callable[[str, Distribution], Any]):
    with pytest.raises(ReadingError, match=rf"`{kind.__name__}\.probabilities` has no labels\. Leave the reading"):
        kind("some", {})


@pytest.mark.parametrize("kind", ALL)
def test_that_nobody_changes_a_reading_from_behind(kind: Callable[[str, Distribution], Any]):
    mine = {"a": 0.25, "b": 0.75}
    reading = kind("some", mine)
    mine["a"] = 9.0
    assert reading.probabilities == {"a": 0.25, "b": 0.75}
    with pytest.raises(TypeError):
        reading.probabilities["a"] = 9.0
    with pytest.raises(FrozenInstanceError):
        reading.probabilities = {}


def test_that_the_likeliest_come_first():
    reading = EmotionReading("three", {"calm": 0.2, "sad": 0.5, "angry": 0.3})
    assert reading.label == "sad"
    assert reading.top(2) == (("sad", 0.5), ("angry", 0.3))
    assert reading.top(9) == (("sad", 0.5), ("angry", 0.3), ("calm", 0.2))
    assert reading.top(0) == ()


@given(weights)
def test_that_top_puts_every_label_in_order(values: list[float]):
    reading = EmotionReading("some", distribution(values))
    ranked = reading.top(len(values))
    assert dict(ranked) == reading.probabilities
    assert [probability for _, probability in ranked] == sorted(reading.probabilities.values(), reverse=True)


def test_that_certainty_is_one_minus_the_normalised_entropy():
    flat = EmotionReading("four", dict.fromkeys("abcd", 0.25))
    sure = EmotionReading("four", {"a": 1.0, "b": 0.0, "c": 0.0, "d": 0.0})
    between_two = EmotionReading("four", {"a": 0.5, "b": 0.5, "c": 0.0, "d": 0.0})
    assert flat.certainty == pytest.approx(0)
    assert sure.certainty == pytest.approx(1)
    assert between_two.certainty == pytest.approx(0.5)  # log 2 over log 4
    assert EmotionReading("one", {"a": 1.0}).certainty == 1


@given(weights, st.randoms(use_true_random=False))
def test_that_certainty_lies_between_none_and_full_and_knows_no_order(values: list[float], random: Any):
    certainty = EmotionReading("some", distribution(values)).certainty
    assert -1e-9 <= certainty <= 1 + 1e-9
    random.shuffle(values)
    assert EmotionReading("some", distribution(values)).certainty == pytest.approx(certainty, abs=1e-9)


def test_that_several_expressions_may_hold_at_once():
    reading = ExpressionReading("three", {"joy": 0.9, "surprise": 0.8, "neutral": 0.1}, ("joy", "surprise"))
    assert reading.present == ("joy", "surprise")
    assert reading.neutrality == 0.1


def test_that_neutrality_is_zero_where_the_label_set_has_no_neutral():
    assert ExpressionReading("one", {"joy": 0.3}).neutrality == 0


def test_that_a_label_that_is_present_must_be_in_the_distribution():
    with pytest.raises(ReadingError, match=r"unknown labels: \['awe', 'envy'\]"):
        ExpressionReading("one", {"joy": 0.9}, ("joy", "envy", "awe"))


def test_that_a_label_set_knows_its_order():
    labels = LabelSet("three", ("calm", "sad", "angry"))
    assert len(labels) == 3
    assert [labels.index(label) for label in labels.labels] == [0, 1, 2]


def test_that_an_unknown_label_is_answered_with_the_choices():
    with pytest.raises(ReadingError, match=r"'glad' is not in label set `two`\. It holds: calm, sad\."):
        LabelSet("two", ("calm", "sad")).index("glad")


def test_that_a_label_set_names_no_label_twice():
    with pytest.raises(ReadingError, match="`two` names a label twice"):
        LabelSet("two", ("calm", "calm"))


unit = st.floats(-1, 1)


@given(unit, unit, unit)
def test_that_a_point_is_kept_in_its_order(valence: float, arousal: float, dominance: float):
    point = Affect(valence, arousal, dominance).point
    assert point.shape == (3,)
    assert np.array_equal(point, [valence, arousal, dominance])


@given(st.floats(allow_nan=True), st.integers(0, 2))
@example(math.nan, 0)
@example(math.inf, 1)
@example(-1.0000001, 2)
def test_that_what_lies_outside_the_scale_is_refused_by_name(value: float, place: int):
    assume(not -1 <= value <= 1)
    values = [0.0, 0.0, 0.0]
    values[place] = value
    name = ("valence", "arousal", "dominance")[place]
    with pytest.raises(ReadingError, match=rf"`Affect\.{name}` is .*; it lies in \[-1, 1\]"):
        Affect(*values)


@pytest.mark.parametrize(
    ("utterance", "start", "end", "text", "score"),
    [
        (-1, 0, 4, "tent", 0.5),
        (0, -1, 3, "tent", 0.5),
        (0, 4, 4, "", 0.5),
        (0, 5, 4, "x", 0.5),
        (0, 0, 5, "tent", 0.5),
        (0, 0, 4, "tent", 1.5),
        (0, 0, 4, "tent", -0.5),
        (0, 0, 4, "tent", math.nan),
    ],
)
def test_that_what_is_no_span_is_refused(utterance: int, start: int, end: int, text: str, score: float):
    with pytest.raises(ReadingError):
        CausalSpan(utterance, start, end, text, score)


def test_that_a_span_is_refused_without_quoting_the_person():
    with pytest.raises(ReadingError) as caught:
        CausalSpan(0, 0, 4, "Quillonby left me", 0.5)
    assert "Quillonby" not in str(caught.value)


def test_that_no_spans_is_an_answer():
    assert CauseReading().spans == ()


def test_that_a_risk_reading_needs_no_more_than_its_level():
    assert RiskReading("none") == RiskReading("none", kinds=(), evidence=(), source="")


def test_that_an_unknown_strategy_is_answered_with_the_choices():
    one, two = (Strategy(name, name, "", "", "", {}) for name in ("question", "reflection"))
    taxonomy = Taxonomy("pair", (one, two))
    assert taxonomy["reflection"] is two
    with pytest.raises(ReadingError, match=r"'advice' in taxonomy `pair`\. It holds: question, reflection\."):
        taxonomy["advice"]


def test_that_a_bad_reading_can_be_caught_as_ours_and_as_a_wrong_value():
    assert issubclass(ReadingError, HeartlineError)
    assert issubclass(ReadingError, ValueError)
