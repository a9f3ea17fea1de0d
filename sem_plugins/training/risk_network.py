"""The network of the encoder's branch for risk, and its export."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from sem_plugins.training.expanded import expanded_layers
from sem_plugins.training.export import fuse_attention, to_eight_bits

__all__ = ["RiskNetwork", "States", "batches", "export_branch", "padded"]

States = NDArray[np.float16]

_LAYERS = ("shared.2", "shared.3", "message.0", "message.1")
"""Whose weights it starts from: the way that messages go through the shipped encoder."""

_AROUND = 2, 1  # tokens before the message's own (start, progress), and after them
_STEPS = 8
_DROPOUT = 0.1  # of hidden states, and of what the head reads
_CHUNK = 1600  # messages among which those of like length are put together
_TOKENS, _MOST = 1600, 64  # of a batch


class RiskNetwork(nn.Module):
    """From what the encoder's second layer gives for a message alone to the logits of two ladders.

    Args:
        encoder: File of the encoder, in eight bits.
    """

    def __init__(self, encoder: Path) -> None:
        super().__init__()
        self.layers = expanded_layers(encoder, _LAYERS, dropout=_DROPOUT)
        width: int = self.layers[0].output.dense.out_features
        self.head = nn.Sequential(nn.Dropout(_DROPOUT), nn.Linear(2 * width, _STEPS))

    def forward(self, states: Tensor, lengths: Tensor) -> Tensor:
        """Logits, (N, 8), of states (N, T, width) that are padded behind `lengths` (N,)."""
        places = torch.arange(states.shape[1])[None]
        hidden = (places >= lengths[:, None])[:, None, None, :].to(states.dtype) * -1e4
        for layer in self.layers:
            states = layer(states, hidden)
        before, after = _AROUND
        chosen = ((places >= before) & (places < lengths[:, None] - after)).unsqueeze(-1)
        mean = (states * chosen).sum(dim=1) / chosen.sum(dim=1).clamp(min=1)
        highest = states.masked_fill(~chosen, -100.0).amax(dim=1)
        logits: Tensor = self.head(torch.cat([mean, highest], dim=1))
        return logits

    @torch.no_grad()
    def logits(self, states: Sequence[States]) -> NDArray[np.float64]:
        """Of messages, (N, 8), without dropout."""
        self.eval()
        order = sorted(range(len(states)), key=lambda row: len(states[row]))
        out = np.zeros((len(states), _STEPS))
        for rows in _filled(states, order):
            out[rows] = self(*padded([states[row] for row in rows])).numpy()
        return out


def batches(states: Sequence[States], *, generator: np.random.Generator) -> list[list[int]]:
    """Rows in batches of like length, in a new order each time."""
    order = generator.permutation(len(states))
    chunks = [order[start : start + _CHUNK] for start in range(0, len(order), _CHUNK)]
    rows = [int(row) for chunk in chunks for row in sorted(chunk, key=lambda row: len(states[row]))]
    made = list(_filled(states, rows))
    generator.shuffle(made)
    return made


def _filled(states: Sequence[States], order: Sequence[int]) -> Iterator[list[int]]:
    batch: list[int] = []
    longest = 0
    for row in order:
        length = len(states[row])
        if batch and (max(longest, length) * (len(batch) + 1) > _TOKENS or len(batch) >= _MOST):
            yield batch
            batch, longest = [], 0
        batch.append(row)
        longest = max(longest, length)
    if batch:
        yield batch


def padded(states: Sequence[States]) -> tuple[Tensor, Tensor]:
    """One tensor (N, T, width) of them, zero where they end, and their lengths (N,)."""
    lengths = torch.tensor([len(one) for one in states])
    tensors = [torch.from_numpy(one.astype(np.float32)) for one in states]
    return nn.utils.rnn.pad_sequence(tensors, batch_first=True), lengths


class _Exportable(nn.Module):
    """The network for one message, without padding."""

    def __init__(self, network: RiskNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(self, states: Tensor) -> Tensor:
        before, after = _AROUND
        for layer in self.network.layers:
            states = layer(states)
        own = states[:, before : states.shape[1] - after]
        logits: Tensor = self.network.head(torch.cat([own.mean(dim=1), own.amax(dim=1)], dim=1))
        return logits


def export_branch(network: RiskNetwork, path: Path) -> None:
    """Write the network, with weights and activations of eight bits.

    Input: `states`, (1, T, width). Output: `risk`, (1, 8).
    """
    network = copy.deepcopy(network).eval()
    for layer in network.layers:
        fuse_attention(layer)
    width: int = network.layers[0].output.dense.out_features
    to_eight_bits(
        _Exportable(network).eval(),
        (torch.zeros(1, 8, width),),
        path,
        inputs=["states"],
        outputs=["risk"],
        axes={"states": {1: "tokens"}},
    )
