"""Learns how emotions move: from true labels, or from what was read where nobody labelled anything."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from sem_plugins.training.chains import Chains

__all__ = ["Taken", "fit_dynamics"]

Array = NDArray[np.float64]

_RIDGE = 1e-4  # of transitions; what more costs stands in ATTEMPTS.md
_STRATEGY_RIDGE = 1e-3
_STEPS = 150
_MATRICES = ("own", "other", "climate")
_VECTORS = ("unspoken", "unanswered", "bias")


@dataclass(frozen=True, slots=True)
class Taken:
    """What supporters did before each row.

    Attributes:
        names: Of the strategies.
        shares: (N, strategies), of the messages since the seeker's last.
    """

    names: Sequence[str]
    shares: Array


def fit_dynamics(rows: Chains, targets: Array, *, taken: Taken | None = None) -> dict[str, Any]:
    """What `Dynamics` holds, so that what came next becomes likeliest.

    Each data set has its own: shared transitions were worse (ATTEMPTS.md).

    Args:
        rows: With what was shown before each of N utterances, true or read.
        targets: (N, K), what each of them showed: ones for true labels, distributions for readings.
        taken: Strategies before each row. How far the dialogue has got is then held constant, since supporters
            advise late, when seekers feel better anyway: what is learned is still no effect, only what goes along.
    """
    k = targets.shape[1]
    at = {name: torch.zeros(k, k) for name in _MATRICES} | {name: torch.zeros(k) for name in _VECTORS}
    at |= {"midpoint": torch.tensor(3.0), "log_width": torch.tensor(0.0), "log_slope": torch.tensor(0.7)}
    names = list(taken.names) if taken is not None else []
    at |= {"strategies": torch.zeros(len(names), k), "late": torch.zeros(1, k)}
    at = {name: value.double().requires_grad_() for name, value in at.items()}
    of = {name: torch.tensor(getattr(rows, name)) for name in _COLUMNS}
    when = torch.tensor(np.log(rows.position) - np.log(rows.position).mean())[:, None]
    truth = torch.tensor(targets)
    shares = torch.tensor(taken.shares) if taken is not None else torch.zeros(len(truth), 0).double()

    def loss() -> torch.Tensor:
        logits = _logits(at, of) + shares @ at["strategies"]
        if names:
            logits = logits + when @ at["late"]
        size = _RIDGE * sum(at[name].square().sum() for name in (*_MATRICES, "late"))
        size = size + _STRATEGY_RIDGE * at["strategies"].square().sum()
        # The decays have hardly a slope once they are a step; without a hold they run away.
        hold = 1e-3 * (at["log_width"].square() + (at["log_slope"] - 0.7).square())
        return torch.nn.functional.cross_entropy(logits, truth) + size + hold

    steps = torch.optim.LBFGS(list(at.values()), max_iter=_STEPS, history_size=20, line_search_fn="strong_wolfe")

    def closure() -> torch.Tensor:
        steps.zero_grad()
        value = loss()
        value.backward()
        return value

    steps.step(closure)
    found: dict[str, Any] = {name: at[name].tolist() for name in (*_MATRICES, *_VECTORS)}
    decays = {"midpoint": at["midpoint"], "width": at["log_width"].exp(), "slope": at["log_slope"].exp()}
    found |= {name: value.item() for name, value in decays.items()}
    if names:  # only differences between strategies mean anything: their mean goes into the bias
        mean = at["strategies"].detach().mean(dim=0)
        found["bias"] = (at["bias"].detach() + mean).tolist()
        centred = (at["strategies"].detach() - mean).tolist()
        found["strategies"] = dict(zip(names, centred, strict=True))
    else:
        found["strategies"] = {}
    return found


_COLUMNS = ("own", "spoken", "since", "other", "answered", "run", "climate")


def _logits(at: Mapping[str, torch.Tensor], of: Mapping[str, torch.Tensor]) -> torch.Tensor:
    """As `Dynamics.logits`, (N, K)."""
    inertia = torch.sigmoid((at["midpoint"] - of["since"]) / at["log_width"].exp())[:, None]
    contagion = torch.sigmoid(of["run"] / at["log_slope"].exp())[:, None]
    spoken, answered = of["spoken"][:, None], of["answered"][:, None]
    return (
        at["bias"]
        + inertia * (of["own"] @ at["own"])
        + (1 - spoken) * at["unspoken"]
        + contagion * (of["other"] @ at["other"])
        + (1 - answered) * at["unanswered"]
        + of["climate"] @ at["climate"]
    )
