# ruff: noqa: E402 - modules of the `train` extra are imported where it is there
"""Losses against values worked out by hand."""

from __future__ import annotations

import math

import pytest

torch = pytest.importorskip("torch", reason="training needs the `train` extra")

from torch import Tensor

from sem_plugins.training.batches import UNKNOWN
from sem_plugins.training.heads import HEADS
from sem_plugins.training.losses import loss_of

pytestmark = pytest.mark.train

NAN = float("nan")
TWO = math.log(2)  # of a yes or no that is open


def one_hot(size: int, *labels: int) -> Tensor:
    return torch.eye(size)[list(labels)]


def gradient(name: str, outputs: Tensor, targets: Tensor) -> Tensor:
    """How much each output would change the loss."""
    outputs = outputs.clone().requires_grad_()
    loss_of(name, outputs, targets).backward()
    assert outputs.grad is not None
    return outputs.grad


def test_that_one_choice_costs_the_log_of_its_probability():
    assert loss_of("emotion", torch.zeros(2, 32), one_hot(32, 3, 9)).item() == pytest.approx(math.log(32))
    sure = torch.zeros(1, 32)
    sure[0, 3] = math.log(31)  # a half
    assert loss_of("emotion", sure, one_hot(32, 3)).item() == pytest.approx(TWO)


def test_that_a_soft_target_costs_the_mean_over_its_labels():
    outputs = torch.tensor([[math.log(3), 0.0, *[-1e4] * 6]])  # 3/4, 1/4
    soft = torch.tensor([[0.5, 0.5, *[0.0] * 6]])
    expected = -(math.log(3 / 4) + math.log(1 / 4)) / 2
    assert loss_of("strategy", outputs, soft).item() == pytest.approx(expected)


def test_that_a_class_weighs_as_its_weight_says():
    weights = torch.tensor([2.0, 0.5, *[1.0] * 6])
    found = loss_of("strategy", torch.zeros(2, 8), one_hot(8, 0, 1), class_weights=weights)
    assert found.item() == pytest.approx((2 + 0.5) / 2 * math.log(8))


def test_that_labels_that_hold_together_cost_their_sum():
    targets = torch.zeros(2, 28)
    targets[0, :2] = 1
    assert loss_of("expression", torch.zeros(2, 28), targets).item() == pytest.approx(28 * TWO)
    outputs = torch.zeros(2, 28)
    outputs[:, 0] = math.log(3)  # 3/4: right in the first row, wrong in the second
    expected = 27 * TWO - (math.log(3 / 4) + math.log(1 / 4)) / 2
    assert loss_of("expression", outputs, targets).item() == pytest.approx(expected)


def test_that_errors_of_numbers_are_counted_in_their_spread():
    valence, arousal, _ = HEADS["affect"].spread
    outputs = torch.tensor([[valence / 2, 3 * arousal, 0.0]])  # half a spread off, three off, right
    assert loss_of("affect", outputs, torch.zeros(1, 3)).item() == pytest.approx(0.5 * 0.5**2 + (3 - 0.5))


def test_that_each_of_three_levels_is_one_choice():
    targets = torch.tensor([[0, 1, 2], [2, 2, 2]])
    assert loss_of("empathy", torch.zeros(2, 9), targets).item() == pytest.approx(3 * math.log(3))
    outputs = torch.zeros(1, 9)
    outputs[0, 5] = math.log(2)  # the second mechanism at level 2: a half
    found = loss_of("empathy", outputs, torch.tensor([[0, 2, 0]]))
    assert found.item() == pytest.approx(2 * math.log(3) + TWO)


def test_that_a_rare_level_can_weigh_more():
    weights = torch.tensor([1.0, 3.0, 1.0] + [1.0] * 6)
    outputs = torch.zeros(2, 9)
    outputs[0, 0] = math.log(2)  # a half for the first level of the first mechanism, where a third was
    found = loss_of("empathy", outputs, torch.tensor([[0, 0, 0], [1, 0, 0]]), class_weights=weights)
    expected = (TWO + 3 * math.log(3)) / 4 + 2 * math.log(3)
    assert found.item() == pytest.approx(expected)


def test_that_a_cause_costs_the_mean_over_the_marks():
    targets = torch.tensor([[UNKNOWN, 1, UNKNOWN, 0], [UNKNOWN, 0, UNKNOWN, UNKNOWN]])
    outputs = torch.zeros(2, 4, 1)
    assert loss_of("cause", outputs, targets).item() == pytest.approx(TWO)
    outputs[0, 1] = math.log(3)
    assert loss_of("cause", outputs, targets).item() == pytest.approx((2 * TWO - math.log(3 / 4)) / 3)


def test_that_tags_cost_the_mean_over_tokens_and_the_sum_over_columns():
    targets = torch.full((2, 5, 3), NAN)
    targets[0, 2:4] = 0
    targets[1, 4] = 1
    assert loss_of("rationale", torch.zeros(2, 5, 3), targets).item() == pytest.approx(3 * TWO)
    assert loss_of("evidence", torch.zeros(2, 5, 1), targets[..., :1]).item() == pytest.approx(TWO)


def span_targets() -> Tensor:
    """Two utterances in the first row, of three and two tokens; none in the second."""
    rows = torch.zeros(2, 6, 3)
    rows[0, :, 0] = torch.tensor([0, 1, 1, 1, 2, 2])
    rows[0, [1, 4], 1] = 1
    rows[0, [2, 4], 2] = 1
    return rows


def test_that_first_and_last_token_are_choices_among_those_of_the_utterance():
    assert loss_of("span", torch.zeros(2, 6, 2), span_targets()).item() == pytest.approx(
        (2 * math.log(3) + 2 * math.log(2)) / 2
    )
    outputs = torch.zeros(2, 6, 2)
    outputs[0, 1, 0] = math.log(2)  # the first token of the first utterance: a half, not a third
    expected = (TWO + math.log(3) + 2 * math.log(2)) / 2
    assert loss_of("span", outputs, span_targets()).item() == pytest.approx(expected)


def test_that_tokens_of_other_utterances_do_not_count_for_a_span():
    found = gradient("span", torch.zeros(2, 6, 2), span_targets())
    assert not found[0, 0].any()
    assert not found[1].any()
    assert found[0, 1:].all()


UNKNOWNS = {
    "risk": (torch.zeros(2, 8), torch.tensor([[1.0, *[NAN] * 7], [0.0] * 8])),
    "affect": (torch.ones(2, 3), torch.tensor([[0.5, NAN, NAN], [0.0] * 3])),
    "cause": (torch.zeros(2, 3, 1), torch.tensor([[UNKNOWN, 1, UNKNOWN], [0, 0, 1]])),
    "evidence": (torch.zeros(2, 3, 1), torch.tensor([[NAN, 1.0, NAN], [0.0] * 3])[..., None]),
}


@pytest.mark.parametrize("name", UNKNOWNS)
def test_that_what_is_not_known_costs_nothing(name: str):
    outputs, targets = UNKNOWNS[name]
    known = ~(targets.isnan() | (targets == UNKNOWN)).view(outputs.shape)
    found = gradient(name, outputs, targets)
    assert found.isfinite().all()
    assert found[known].all()
    assert not found[~known].any()


@pytest.mark.parametrize("name", UNKNOWNS)
def test_that_a_batch_of_which_nothing_is_known_costs_nothing(name: str):
    outputs, targets = UNKNOWNS[name]
    unknown = torch.full_like(targets, UNKNOWN if name == "cause" else NAN)
    assert loss_of(name, outputs, unknown).item() == 0
    assert not gradient(name, outputs, unknown).any()


def test_that_a_batch_without_causal_spans_costs_nothing():
    assert loss_of("span", torch.ones(2, 6, 2), torch.zeros(2, 6, 3)).item() == 0
    assert not gradient("span", torch.ones(2, 6, 2), torch.zeros(2, 6, 3)).any()
