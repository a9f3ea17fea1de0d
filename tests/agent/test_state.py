"""The emotional state refuses what is no state, and says so."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest

from agent.errors import ReadingError
from agent.readings import Affect
from agent.state import EmotionalState, PersonalCalibration

PLAIN = EmotionalState(Affect(0.6, 0.8, 0.0), 1, 0.0, None, 0, 0.5)
ROUND = ((0.25, 0.0, 0.0), (0.0, 0.04, 0.0), (0.0, 0.0, 0.01))


@pytest.mark.parametrize(
    "covariance",
    [
        ((0.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)),  # no variance
        ((1.0, 2.0, 0.0), (2.0, 1.0, 0.0), (0.0, 0.0, 1.0)),  # more in common than they have
        ((1.0, 0.5, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)),  # not symmetric
        ((-1.0, 0.0, 0.0), (0.0, -1.0, 0.0), (0.0, 0.0, 1.0)),
        ((math.nan, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)),
        ((math.inf, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)),
        ((1.0, 0.0), (0.0, 1.0)),
        (1.0, 1.0, 1.0),
    ],
)
def test_that_a_covariance_that_is_not_positive_definite_is_refused(covariance: Any):
    with pytest.raises(ReadingError, match=r"`EmotionalState\.covariance` is not positive definite"):
        replace(PLAIN, covariance=covariance)


@pytest.mark.parametrize("name", ["emotions", "climate", "expected"])
@pytest.mark.parametrize("row", [{"joy": 0.7, "fear": 0.7}, {"joy": math.nan}, {"joy": 1.5, "fear": -0.5}])
def test_that_what_is_no_distribution_is_refused_by_name(name: str, row: dict[str, float]):
    with pytest.raises(ReadingError, match=f"EmotionalState.{name}"):
        replace(PLAIN, **{name: row})
    with pytest.raises(ReadingError, match=r"EmotionalState\.forecast"):
        replace(PLAIN, forecast={"question": row})


@pytest.mark.parametrize(
    "fields",
    [{"temperature": 0.9}, {"temperature": math.nan}, {"bias": {"joy": math.inf}}, {"corrections": -1}],
)
def test_that_a_calibration_out_of_bounds_is_refused(fields: dict[str, Any]):
    with pytest.raises(ReadingError, match="personal calibration"):
        PersonalCalibration(**fields)


def test_that_what_it_holds_cannot_be_changed_from_outside():
    emotions, trust, bias = {"joy": 1.0}, {"voice": 0.5}, {"joy": 0.5}
    state = replace(PLAIN, emotions=emotions, trust=trust, personal=PersonalCalibration(1, bias))
    emotions["joy"] = trust["voice"] = bias["joy"] = 0.0
    assert (state.emotions["joy"], state.trust["voice"], state.personal.bias["joy"]) == (1.0, 0.5, 0.5)


def test_that_intensity_spread_and_the_likeliest_emotions_are_derived():
    state = replace(PLAIN, covariance=ROUND, emotions={"joy": 0.2, "fear": 0.7, "anger": 0.1})
    assert state.intensity == pytest.approx(1.0)
    assert state.spread == pytest.approx([0.5, 0.2, 0.1])
    assert state.top(2) == (("fear", 0.7), ("joy", 0.2))
    assert (PLAIN.spread, PLAIN.top()) == (None, ())
