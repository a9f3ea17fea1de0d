"""The second opinion on risk: learned numbers that go with one set of weights, and what they are used for."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from agent.errors import WeightsError
from agent.testing import a_turn
from agent.turn import Message
from sem_plugins.encoder import encoder_for
from sem_plugins.risk import opinion
from sem_plugins.risk.opinion import Opinion, features_of, load_opinion, whole_heads
from sem_plugins.risk.plugin import RiskPlugin, create
from sem_plugins.weights import load_manifest

SAID = "I've given the cat to my neighbour and written down who gets what."
DAILY = "The bus was late and the shop had no bread."


def always(probability: float, threshold: float = 0.5) -> Opinion:
    """An opinion that is the same of every message."""
    heads = whole_heads(load_manifest())
    width = sum(load_manifest().heads[name].size for name in heads)
    bias = float(np.log(probability / (1 - probability)))
    return Opinion(heads, np.zeros(width), bias, threshold, {})


def test_that_the_shipped_opinion_goes_with_the_shipped_weights():
    found = load_opinion(load_manifest())

    assert found is not None
    assert 0 < found.threshold < 1
    encoded = encoder_for().read((Message("seeker", SAID),))
    assert features_of(encoded, found.heads).shape == found.weight.shape
    assert 0 <= found.probability(encoded) <= 1


def test_that_a_veiled_message_is_likelier_than_a_daily_one():
    found = load_opinion(load_manifest())
    assert found is not None

    likely = [found.probability(encoder_for().read((Message("seeker", text),))) for text in (SAID, DAILY)]

    assert likely[0] > 10 * likely[1]


@pytest.mark.parametrize(("probability", "level"), [(0.9, "ideation"), (0.1, "none")])
def test_that_it_decides_where_no_rule_speaks(probability: float, level: str):
    [reading] = RiskPlugin(encoder_for(), always(probability))([a_turn(DAILY)])

    assert reading.level == level
    assert reading.probabilities["self:ideation"] == pytest.approx(probability)


def test_that_the_rules_hold_whatever_it_says():
    [reading] = RiskPlugin(encoder_for(), always(0.01))([a_turn("I want to kill myself.")])

    assert reading.level == "ideation"


def test_that_a_message_is_read_as_if_nothing_had_been_said_before():
    before = (Message("seeker", "I want to kill myself."), Message("supporter", "Are you safe?", "question"))
    plugin = create()

    assert plugin([a_turn(DAILY, history=before)]) == plugin([a_turn(DAILY)])


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"model": "0" * 64}, "other weights"),
        ({"format": 2}, "another format"),
        ({"heads": ["emotion"]}, "another heads"),
        ({"weight": [float("nan")] * 3}, "not finite"),
        ({"threshold": 1.0}, "no probability"),
        ({"bias": "much"}, "not sound"),
    ],
)
def test_that_numbers_that_do_not_fit_are_refused(
    changes: dict[str, Any], told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    raw = json.loads(Path(opinion.__file__).with_name(opinion.FILE).read_text("utf-8")) | changes
    (tmp_path / opinion.FILE).write_text(json.dumps(raw), encoding="utf-8")
    monkeypatch.setattr(opinion, "__file__", str(tmp_path / "opinion.py"))

    with pytest.raises(WeightsError, match=told):
        load_opinion(load_manifest())
