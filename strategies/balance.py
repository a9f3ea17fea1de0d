"""Counter-weights against preference bias: what is common in the data is not right for being common.

A predictor that has learned from conversations leans to the strategies that its supporters used most
(preference bias: Kang et al. 2024). Logit adjustment takes out of each probability how common the strategy
is anyway; what is left is what this turn says for it.
"""

from __future__ import annotations

import math
import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType

from agent.errors import ReadingError, WiringError

__all__ = ["check_share", "counterweighted", "esconv_prior"]

Distribution = Mapping[str, float]

_FILE = Path(__file__).with_name("balance.toml")


@cache
def esconv_prior() -> Distribution:
    """How often ESConv's supporters use each of the eight strategies; sums to 1.

    Source:
        Counted over the training dialogues of ESConv (Liu et al. 2021).
    """
    prior: dict[str, float] = tomllib.loads(_FILE.read_text(encoding="utf-8"))["prior"]
    return MappingProxyType(prior)


def counterweighted(probabilities: Distribution, *, prior: Distribution, strength: float) -> dict[str, float]:
    """The distribution with the pull of the prior taken out: p / prior ** strength, scaled to sum to 1.

    In logs that is log p - strength * log prior, the logit adjustment of Menon et al. 2021. It evens out
    recall among the strategies and costs accuracy; preference bias is only ever reported together with
    proficiency, since a planner that guesses evenly has no bias either.

    Args:
        probabilities: Strategy to probability, summing to 1. One of 0 stays 0.
        prior: Strategy to how often it is used anyway, each above 0. Its scale does not matter.
        strength: 0 changes nothing, 1 takes the prior out, more favours what is rare.

    Raises:
        ReadingError: `strength` is negative or not finite, the prior of a strategy is missing or not
            above 0, or no probability is above 0.

    Example:
        Twice as likely as the other, but also used twice as often:

        >>> counterweighted({"question": 0.5, "reflection": 0.25, "others": 0.25},
        ...                 prior={"question": 0.5, "reflection": 0.25, "others": 0.25}, strength=1.0)["question"]
        0.3333333333333333
    """
    if not 0 <= strength < math.inf:
        raise ReadingError(f"`strength` is {strength!r}; it is a finite number from 0 up.")
    logs = {
        strategy: math.log(p) - strength * math.log(_rate(strategy, prior))
        for strategy, p in probabilities.items()
        if p > 0
    }
    if not logs:
        raise ReadingError(f"No probability is above 0: {dict(probabilities)!r}.")
    highest = max(logs.values())
    weights = {strategy: math.exp(log - highest) for strategy, log in logs.items()}
    total = sum(weights.values())
    return {strategy: weights.get(strategy, 0.0) / total for strategy in probabilities}


def check_share(name: str, value: float) -> None:
    """Refuse a part's setting that is not in [0, 1].

    Raises:
        WiringError: It is not.
    """
    if not 0 <= value <= 1:  # also catches NaN
        raise WiringError(f"`{name}` is {value!r}; it lies in [0, 1].")


def _rate(strategy: str, prior: Distribution) -> float:
    rate = prior.get(strategy, 0.0)
    if not rate > 0:
        choices = ", ".join(prior)
        raise ReadingError(f"The prior of {strategy!r} is {rate!r}; it must be above 0. Given are: {choices}.")
    return rate
