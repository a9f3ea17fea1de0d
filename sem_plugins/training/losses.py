"""The loss of each kind of head (`training.heads`)."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from sem_plugins.training.batches import UNKNOWN
from sem_plugins.training.heads import HEADS

__all__ = ["loss_of"]


def loss_of(  # noqa: PLR0911 - one answer per kind
    name: str, outputs: Tensor, targets: Tensor, *, class_weights: Tensor | None = None
) -> Tensor:
    """Mean loss over a batch, a scalar; losses over several outputs are summed, to weigh as much as one choice.

    Args:
        name: The head.
        outputs: Of the head, in 32 bits; (N, size) or (N, T, size).
        targets: As `training.batches` makes them.
        class_weights: For softmax and levels: weight of each class or level, (size,).
    """
    match HEADS[name].kind:
        case "softmax":
            logs = functional.log_softmax(outputs, dim=1)
            if class_weights is not None:
                targets = targets * class_weights
            return -(targets * logs).sum(dim=1).mean()
        case "sigmoid":
            return _known_binary(outputs, targets).sum(dim=1).mean()
        case "regression":
            known = ~targets.isnan()
            spread = outputs.new_tensor(HEADS[name].spread)
            targets = torch.where(known, targets, outputs)  # what is not known costs nothing
            errors = functional.smooth_l1_loss(outputs / spread, targets / spread, reduction="none")
            return errors.sum(dim=1).mean()
        case "levels":
            levels = outputs.unflatten(1, (-1, 3))
            weights = [None] * levels.shape[1] if class_weights is None else class_weights.unflatten(0, (-1, 3))
            return torch.stack(
                [
                    functional.cross_entropy(levels[:, place], targets[:, place], weight=weight)
                    for place, weight in enumerate(weights)
                ]
            ).sum()
        case "marks":
            known = targets != UNKNOWN
            truth = torch.where(known, targets.to(outputs.dtype), torch.nan)
            return _known_binary(outputs[..., 0], truth).sum() / known.sum().clamp(min=1)
        case "tags":
            known = ~targets.isnan()
            return _known_binary(outputs, targets).sum() / known.sum().clamp(min=1) * outputs.shape[-1]
        case "span":
            return _span_loss(outputs, targets)


def _known_binary(outputs: Tensor, targets: Tensor) -> Tensor:
    known = ~targets.isnan()
    losses = functional.binary_cross_entropy_with_logits(
        outputs, torch.where(known, targets, torch.zeros_like(targets)), reduction="none"
    )
    return losses * known


def _span_loss(outputs: Tensor, targets: Tensor) -> Tensor:
    """First and last token, each one choice among the tokens of its utterance."""
    utterances, losses = targets[..., 0], []
    for row in range(len(outputs)):
        for utterance in utterances[row].unique():
            if utterance == 0:
                continue
            chosen = utterances[row] == utterance
            logs = functional.log_softmax(outputs[row][chosen], dim=0)  # (tokens, 2)
            losses.append(-(logs * targets[row][chosen][:, 1:]).sum())
    return torch.stack(losses).mean() if losses else outputs.sum() * 0
