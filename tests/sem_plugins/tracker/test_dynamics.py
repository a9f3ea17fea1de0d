"""How emotions move: the decays, the parts, and what is learned."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from agent.errors import SettingsError, WeightsError
from agent.readings import LabelSet
from sem_plugins.labels import ESCONV
from sem_plugins.ontology import DAILY_DIALOG, EMORY_NLP, MELD
from sem_plugins.tracker.dynamics import (
    CLIMATE_DECAY,
    PARTS,
    Dynamics,
    climate_after,
    dynamics,
    from_section,
    softmax,
    untrained,
)
from sem_plugins.tracker.parameters import section


def predicted(model: Dynamics, *before: Any, **given: Any) -> Any:
    return softmax(model.logits(*before, **given))


FOUND = [("meld-7", MELD), ("dailydialog-7", DAILY_DIALOG), ("emorynlp-7", EMORY_NLP)]
SURE = np.eye(7)
JOY, ANGER, SADNESS = (SURE[MELD.index(label)] for label in ("joy", "anger", "sadness"))
ROWS = arrays.arrays(np.float64, 7, elements=st.floats(0.001, 1)).map(lambda row: row / row.sum())
MAYBE = st.none() | ROWS


# --- what is shipped ------------------------------------------------------------------------------


@pytest.mark.parametrize("inputs", ["told", "read"])
@pytest.mark.parametrize(("name", "labels"), FOUND)
def test_that_dynamics_of_each_set_are_shipped_for_labels_and_for_readings(
    name: str, labels: LabelSet, inputs: Any
):
    found = dynamics(name, inputs=inputs)
    assert found.labels == labels.labels
    assert found.strategies == ()
    assert found.forecast(found.bias).shape == (0, 7)


def test_that_those_of_support_know_each_strategy_of_esconv():
    found = dynamics("support", inputs="read")
    assert found.label_set == MELD
    assert set(found.strategies) == set(ESCONV.labels)
    rows = found.forecast(found.logits(SADNESS, 2, JOY, 1, SADNESS))
    assert rows.shape == (8, 7)
    assert rows.sum(axis=1) == pytest.approx(1)
    assert len({tuple(row) for row in rows.tolist()}) == 8


def test_that_an_unknown_name_is_refused_with_the_choices():
    with pytest.raises(WeightsError, match=r"'meld'. Choices: meld-7, dailydialog-7, emorynlp-7, peld, support"):
        dynamics("meld")


def test_that_inputs_that_nobody_learned_from_are_refused_with_the_choices():
    with pytest.raises(WeightsError, match=r"`dynamics.support` in parameters.json has no 'told'; it has: read"):
        dynamics("support", inputs="told")


@pytest.mark.parametrize(("name", "labels"), FOUND)
def test_that_what_was_learned_holds_on_to_what_was_before(name: str, labels: LabelSet):
    found = dynamics(name)
    for place in range(len(labels)):
        stayed = predicted(found, SURE[place], 1, None, 0, None)[place]
        assert stayed > predicted(found, None, 0, None, 0, None)[place]


# --- decays ---------------------------------------------------------------------------------------


def test_that_the_untrained_decays_are_those_of_emotionic():
    plain = untrained(MELD)
    assert (plain.midpoint, plain.width, plain.slope) == (3, 1, 2)
    assert plain.inertia(1) == pytest.approx(0.88, abs=0.005)
    assert plain.inertia(3) == 0.5
    assert plain.contagion(0) == 0.5
    for since, run in ((1, 0), (2, 1), (5, 4), (9, 12)):
        assert plain.inertia(since) == pytest.approx(1 / (1 + math.exp(since - 3)))
        assert plain.contagion(run) == pytest.approx(1 / (1 + math.exp(-run / 2)))


@pytest.mark.parametrize("found", [untrained(MELD), dynamics("meld-7"), dynamics("support", inputs="read")])
def test_that_inertia_fades_and_contagion_grows_within_their_bounds(found: Any):
    inertia = [found.inertia(since) for since in (1, 2, 3, 5, 10, 30, 20_000, 10**9)]
    contagion = [found.contagion(run) for run in (0, 1, 2, 5, 10, 20_000, 10**9)]
    assert inertia == sorted(inertia, reverse=True)
    assert contagion == sorted(contagion)
    assert 0 <= inertia[-1] < 1e-9
    assert inertia[0] <= 1
    assert (contagion[0], contagion[-1]) == (0.5, 1)


def test_that_decays_can_be_slower_or_later():
    later = replace(untrained(MELD), midpoint=5.0, width=2.0, slope=4.0)
    assert later.inertia(5) == 0.5
    assert later.inertia(9) == pytest.approx(1 / (1 + math.exp(2)))
    assert later.contagion(4) == pytest.approx(1 / (1 + math.exp(-1)))


def test_that_untrained_people_stay_where_they_are_less_so_with_time_and_go_along_with_others():
    plain = untrained(MELD)
    stays = [predicted(plain, ANGER, since, None, 0, None)[MELD.index("anger")] for since in (1, 2, 4, 8, 50)]
    assert stays == sorted(stays, reverse=True)
    assert stays[-1] == pytest.approx(1 / 7, abs=1e-6)
    along = [predicted(plain, ANGER, 1, JOY, run, None)[MELD.index("joy")] for run in (0, 1, 3, 9)]
    assert along == sorted(along)
    assert along[0] > predicted(plain, ANGER, 1, None, 0, None)[MELD.index("joy")]


def test_that_untrained_dynamics_know_nothing_of_the_start():
    assert predicted(untrained(EMORY_NLP), None, 0, None, 0, None) == pytest.approx(1 / 7)


# --- predictions ----------------------------------------------------------------------------------


@given(
    st.sampled_from([untrained(MELD), dynamics("meld-7"), dynamics("support", inputs="read")]),
    st.tuples(MAYBE, st.integers(0, 10_000), MAYBE, st.integers(0, 10_000), MAYBE),
    st.frozensets(st.sampled_from(sorted(PARTS))),
)
def test_that_a_prediction_is_a_distribution_with_hope_for_each(found, before, without):
    row = predicted(found, *before, without=without)
    assert row.sum() == pytest.approx(1)
    assert row.min() > 0


@pytest.mark.parametrize(
    ("part", "elsewhere"),
    [
        ("inertia", (JOY, 9, SADNESS, 2, ANGER)),
        ("contagion", (ANGER, 1, JOY, 7, ANGER)),
        ("climate", (ANGER, 1, SADNESS, 2, JOY)),
    ],
)
def test_that_a_part_left_out_does_not_count_and_the_others_do(part: str, elsewhere: Any):
    found, usual = dynamics("meld-7"), (ANGER, 1, SADNESS, 2, ANGER)
    without = frozenset({part})
    assert (found.logits(*usual, without=without) == found.logits(*elsewhere, without=without)).all()
    assert (found.logits(*usual) != found.logits(*elsewhere)).any()
    for other in PARTS - {part}:
        assert (found.logits(*usual, without=without) != found.logits(*usual, without=without | {other})).any()


def test_that_without_all_parts_what_is_common_is_left():
    found = dynamics("meld-7")
    assert (found.logits(ANGER, 1, JOY, 1, JOY, without=PARTS) == found.bias).all()


def test_that_an_unknown_part_is_refused_with_the_choices():
    with pytest.raises(SettingsError, match=r"\['inertai'\]. Choices: climate, contagion, inertia"):
        predicted(untrained(MELD), ANGER, 1, None, 0, None, without=frozenset({"inertai", "climate"}))


@given(arrays.arrays(np.float64, (3, 5), elements=st.floats(-1e6, 1e6)))
def test_that_softmax_gives_rows_that_sum_to_one(logits: Any):
    rows = softmax(logits)
    assert rows.sum(axis=1) == pytest.approx(1)
    assert rows.min() >= 0
    assert (rows[np.arange(3), logits.argmax(axis=1)] == rows.max(axis=1)).all()


@settings(max_examples=40)
@given(MAYBE, st.lists(ROWS, min_size=1, max_size=5))
def test_that_the_climate_is_a_mean_of_what_was_shown_which_the_newest_counts_most_in(start: Any, rows: Any):
    climate = start
    for row in rows:
        climate = climate_after(climate, row)
    assert climate.sum() == pytest.approx(1)
    assert climate.min() >= 0
    if start is not None or len(rows) > 1:
        assert (climate - (1 - CLIMATE_DECAY) * rows[-1] >= -1e-12).all()


# --- its part of the file -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"own": [[0.0] * 7] * 6}, r"`own` .*\(6, 7\) and not \(7, 7\)"),
        ({"bias": [0.0] * 6 + [math.nan]}, r"`bias` .*not finite"),
        ({"climate": [[0.0] * 7] * 6 + [[0.0] * 6]}, r"`climate` .*no numbers, or rows of different length"),
        ({"other": "none"}, r"`other` .*no numbers"),
        ({"midpoint": None}, r"`midpoint` "),
        ({"width": 0}, r"`width` \(0.0\) and `slope`.* of `meld-7` lie above 0"),
        ({"slope": -1}, r"`slope` \(-1.0\)"),
        ({"strategies": ["question"]}, r"`strategies` .*`meld-7` is no object"),
        ({"strategies": {"question": [0.0] * 6}}, r"`strategies` .*\(1, 6\) and not \(1, 7\)"),
    ],
)
def test_that_numbers_that_are_no_dynamics_are_refused_by_name_with_the_cure(change: dict[str, Any], named: str):
    with pytest.raises(
        WeightsError, match=rf"(?s){named}.*Install Heartline again, or .*heartline models dynamics"
    ):
        from_section(MELD, dict(section("dynamics", "meld-7", "told")) | change)


def test_that_all_that_is_missing_is_named_with_the_cure():
    content = {k: v for k, v in section("dynamics", "meld-7", "told").items() if k not in {"unspoken", "slope"}}
    with pytest.raises(WeightsError, match=r"of `meld-7` lack unspoken, slope\. Install Heartline again"):
        from_section(MELD, content)


def test_that_dynamics_of_another_label_set_are_refused():
    with pytest.raises(WeightsError, match=r"`bias` .*\(7,\) and not \(2,\)"):
        from_section(LabelSet("two", ("up", "down")), section("dynamics", "meld-7", "told"))
