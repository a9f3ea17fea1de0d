"""An earlier network as the teacher of a later one."""

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
from sem_plugins.window import WindowMaker

__all__ = ["NetworkTeacher"]

_BATCH = 128


class NetworkTeacher:
    """Says what a trained network makes of examples (see `streams.Teacher`).

    Args:
        network: Put into evaluation mode.
        maker: Makes the network's windows.
    """

    def __init__(self, network: ForkedEncoder, maker: WindowMaker) -> None:
        self._network = network.eval()
        self._maker = maker

    def __call__(self, examples: Sequence[Example], head: str) -> NDArray[np.floating[Any]]:
        """Probabilities of a head over the message, (N, size)."""
        windows = [example.window(self._maker) for example in examples]
        order = sorted(range(len(windows)), key=lambda row: len(windows[row].ids))
        outputs = np.zeros((len(windows), HEADS[head].size))
        device = next(self._network.parameters()).device
        with torch.no_grad(), torch.autocast(device.type, dtype=torch.bfloat16):
            for start in range(0, len(order), _BATCH):
                rows = order[start : start + _BATCH]
                inputs = [part.to(device) for part in padded([windows[row] for row in rows])]
                found = self._network(*inputs, [head])[head]
                outputs[rows] = found.float().cpu().numpy()
        return softmax(outputs) if HEADS[head].kind == "softmax" else sigmoid(outputs)
