"""Earlier networks as the teacher of a later one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from sem_plugins.probability import sigmoid, softmax
from sem_plugins.training.batches import padded
from sem_plugins.training.examples import Example
from sem_plugins.training.heads import HEADS
from sem_plugins.training.network import ForkedEncoder
from sem_plugins.window import Window, WindowMaker

__all__ = ["NetworkTeacher"]

_BATCH = 128


class NetworkTeacher:
    """Says what trained networks make of examples, on average (see `streams.Teacher`).

    Args:
        networks: Put into evaluation mode.
        maker: Makes the networks' windows.
    """

    def __init__(self, networks: Sequence[ForkedEncoder], maker: WindowMaker) -> None:
        self._networks = [network.eval() for network in networks]
        self._maker = maker

    def __call__(self, examples: Sequence[Example], head: str) -> NDArray[np.floating[Any]]:
        """Probabilities of a head over the message, (N, size)."""
        windows = [example.window(self._maker) for example in examples]
        return np.mean([self._ask(network, windows, head) for network in self._networks], axis=0)

    @staticmethod
    def _ask(network: ForkedEncoder, windows: Sequence[Window], head: str) -> NDArray[np.floating[Any]]:
        order = sorted(range(len(windows)), key=lambda row: len(windows[row].ids))
        outputs = np.zeros((len(windows), HEADS[head].size))
        device = next(network.parameters()).device
        with torch.no_grad(), torch.autocast(device.type, dtype=torch.bfloat16):
            for start in range(0, len(order), _BATCH):
                rows = order[start : start + _BATCH]
                inputs = [part.to(device) for part in padded([windows[row] for row in rows])]
                found = network(*inputs, [head])[head]
                outputs[rows] = found.float().cpu().numpy()
        return softmax(outputs) if HEADS[head].kind == "softmax" else sigmoid(outputs)
