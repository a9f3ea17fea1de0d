"""Layer Integrated Gradients: the slow, exact sibling of `attribution.occlude`, for checking it.

Source: Sundararajan et al. 2017, as captum implements it. The path runs from a message whose words
are all padding to the message as it is.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from captum.attr import LayerIntegratedGradients
from torch import Tensor

from agent.turn import Message
from sem_plugins.attribution import Attribution
from sem_plugins.training.network import ForkedEncoder
from sem_plugins.window import WindowMaker

__all__ = ["integrated_gradients"]

_STEPS = 32


def integrated_gradients(
    network: ForkedEncoder, maker: WindowMaker, text: str, *, head: str, output: int
) -> tuple[Attribution, ...]:
    """How much each token of a message adds to one output of a head.

    Args:
        network: In evaluation mode, as trained: 32 bits.
        maker: Makes the network's windows.
        text: A message without a history.
        head: A head over the message, e.g. `"emotion"`.
        output: Index of its output.

    Returns:
        One attribution per token, in order; they sum to the output less that of the empty message.
    """
    window = maker([Message("seeker", text)])
    ids, types = torch.from_numpy(window.ids)[None], torch.from_numpy(window.types)[None]
    mask = torch.ones_like(ids)
    words = torch.from_numpy(window.places >= 0)[None]

    def forward(given: Tensor, types_: Tensor, mask_: Tensor) -> Any:
        rows = len(given) // len(types_)
        return network(given, types_.repeat(rows, 1), mask_.repeat(rows, 1), [head])[head][:, output]

    gradients = LayerIntegratedGradients(forward, network.embeddings)
    found = gradients.attribute(
        ids,
        baselines=torch.where(words, torch.zeros_like(ids), ids),
        additional_forward_args=(types, mask),
        n_steps=_STEPS,
    )
    weights = found.sum(dim=-1)[0].detach().numpy()
    return tuple(
        Attribution(start, end, text[start:end], float(weights[token]))
        for token in np.flatnonzero(window.places >= 0)
        for start, end in [(int(window.offsets[token, 0]), int(window.offsets[token, 1]))]
    )
