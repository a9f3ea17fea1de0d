"""What the tracker's dynamics are worth for seekers of ESConv: how well what is read of them next is expected.

Nobody labelled these messages. The score of a forecast is the mean logarithm of its probabilities, weighed by what
was read of the next message: the log-likelihood that it would have, were the readings calibrated.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from agent.readings import LabelSet
from sem_plugins.tracker.dynamics import Dynamics, dynamics, softmax, untrained
from sem_plugins.training.follow import Reader, Seekers, seekers_of
from sem_plugins.training.intervals import Measure

__all__ = ["support_figures"]

Array = NDArray[np.float64]

_SHARES = [tenth / 10 for tenth in range(10)]  # of the last reading in "same as before"


def support_figures(folder: Path, reader: Reader, labels: LabelSet) -> Mapping[str, Measure]:
    """Score of the shipped dynamics on ESConv valid, and what it gains over floors and over itself with less.

    Args:
        folder: The prepared data sets.
        reader: With the weights.
        labels: Those of `dynamics("support")`.

    Raises:
        DataError: A file is missing or malformed.
    """
    train, valid = (seekers_of(folder, part, reader, labels) for part in ("train", "valid"))
    model = dynamics("support", inputs="read")
    last = train.rows.own.T @ train.targets
    table = last / last.sum(axis=1, keepdims=True)
    shares = train.targets.mean(axis=0)
    same = max(_SHARES, key=lambda share: _scores(train, _same(train, shares, share)).mean())
    whole = _scores(valid, _forecasts(model, valid, strategies=True))
    others = {
        "same as before, mixed with the shares": _same(valid, shares, same),
        "transition table": valid.rows.own @ table,
        "shares": np.tile(shares, (len(valid.targets), 1)),
        "the two decays, untrained": _forecasts(untrained(labels), valid, strategies=False),
        "without knowing the strategy": _forecasts(model, valid, strategies=False),
        **{
            f"without {part}": _forecasts(model, valid, strategies=True, without=frozenset({part}))
            for part in ("inertia", "contagion", "climate")
        },
    }
    groups = valid.rows.group
    return {"log-score": Measure(np.mean, groups, (whole,))} | {
        f"gain over {name}": Measure(np.mean, groups, (whole - _scores(valid, chances),))
        for name, chances in others.items()
    }


def _same(of: Seekers, shares: Array, share: float) -> Array:
    """The reading before, mixed with what is common: alone it would be far too sure."""
    mixed: Array = share * of.rows.own + (1 - share) * shares
    return mixed


def _forecasts(model: Dynamics, of: Seekers, *, strategies: bool, without: frozenset[str] = frozenset()) -> Array:
    rows = range(len(of.targets))
    logits = np.array([model.logits(*of.rows.before(row), without=without) for row in rows])
    return softmax(logits + of.taken @ model.offsets if strategies else logits)


def _scores(of: Seekers, chances: Array) -> Array:
    found: Array = (of.targets * np.log(chances)).sum(axis=1)
    return found
