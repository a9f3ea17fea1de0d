"""The network that is trained: an encoder that forks near its top, and a head per reading.

The lower layers are shared. The upper ones exist twice, once for what is read of the message (emotion,
affect, risk) and once for what is read of the dialogue (causes, the next strategy, empathy): trained on
one path, the two kinds of task cost each other a point of accuracy.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import torch
from torch import Tensor, nn
from transformers import AutoModel

from sem_plugins.training.heads import HEADS, Head
from sem_plugins.window import MARKS

__all__ = ["FORK", "Exportable", "ForkedEncoder", "initial", "parameter_groups"]

FORK = 4
"""Layers of six that are shared."""


class ForkedEncoder(nn.Module):
    """Several heads on one encoder.

    Args:
        base: Folder with `config.json` and `model.safetensors` of the base encoder.
        heads: The heads, in the order of the outputs.
        fork: Layers that both branches share.
        dropout: Dropout of hidden states. Attention has none: on a CPU it cost a quarter of the speed.
        head_dropout: Dropout on what the heads read.
    """

    def __init__(
        self,
        base: Path,
        heads: Iterable[Head] = tuple(HEADS.values()),
        *,
        fork: int = FORK,
        dropout: float = 0.1,
        head_dropout: float = 0.1,
    ) -> None:
        super().__init__()
        # Eager attention: the backward pass of the CPU's fused attention is slower.
        encoder = AutoModel.from_pretrained(
            base,
            attn_implementation="eager",
            add_pooling_layer=False,
            hidden_dropout_prob=dropout,
            attention_probs_dropout_prob=0.0,
        )
        width = encoder.config.hidden_size
        self.embeddings = encoder.embeddings
        # Added to the frozen word vectors of the marks; zero for every other token.
        self.marks = nn.Embedding(MARKS, width, padding_idx=0)
        nn.init.zeros_(self.marks.weight)
        layers = encoder.encoder.layer
        self.shared = layers[:fork]
        self.branches = nn.ModuleDict({"message": layers[fork:], "dialogue": copy.deepcopy(layers[fork:])})
        self.specs = {head.name: head for head in heads}
        self.heads = nn.ModuleDict({name: _head(head, width, head_dropout) for name, head in self.specs.items()})

    def freeze_word_embeddings(self) -> None:
        """Keep the word vectors as they are: half the parameters, and rare words stay in place."""
        self.embeddings.word_embeddings.weight.requires_grad_(requires_grad=False)

    def forward(self, ids: Tensor, types: Tensor, mask: Tensor, heads: Sequence[str]) -> dict[str, Tensor]:
        """Outputs of the named heads.

        Args:
            ids: Token ids, (N, T).
            types: 1 for tokens of the message that is read, (N, T).
            mask: 1 for tokens, 0 for padding, (N, T).
            heads: Names.

        Returns:
            (N, size) per head, (N, T, size) for token heads.
        """
        words = self.embeddings.word_embeddings(ids) + self.marks(torch.where(ids < MARKS, ids, 0))
        states = self.embeddings(inputs_embeds=words, token_type_ids=types)
        # Added to attention scores: -10,000 leaves nothing of a padded token, and fits into 16 bits.
        hidden = (1.0 - mask[:, None, None, :].to(states.dtype)) * -1e4
        for layer in self.shared:
            states = layer(states, hidden)
        outputs: dict[str, Tensor] = {}
        for branch, layers in self.branches.items():
            wanted = [name for name in heads if self.specs[name].branch == branch]
            if not wanted:
                continue
            upper = states
            for layer in layers:
                upper = layer(upper, hidden)
            outputs |= self._read(upper, types, mask, wanted)
        return {name: outputs[name] for name in heads}

    def _read(self, states: Tensor, types: Tensor, mask: Tensor, heads: Sequence[str]) -> dict[str, Tensor]:
        message = _mean(states, types)
        inputs = {"message": message}
        kinds = {self.specs[name].reads for name in heads}
        if "peaks" in kinds:
            inputs["peaks"] = torch.cat([message, _highest(states, types)], dim=1)
        if "window" in kinds:
            inputs["window"] = torch.cat([message, _mean(states, mask - types), states[:, 0]], dim=1)
        if "token" in kinds:
            inputs["token"] = torch.cat([states, message.unsqueeze(1).expand_as(states)], dim=2)
        return {name: self.heads[name](inputs[self.specs[name].reads]) for name in heads}


def _mean(states: Tensor, chosen: Tensor) -> Tensor:
    """Mean of the chosen tokens' vectors, (N, width); 0 where none is chosen."""
    weights = chosen.unsqueeze(-1).to(states.dtype)
    return (states * weights).sum(dim=1) / weights.sum(dim=1).clamp(min=1)


def _highest(states: Tensor, chosen: Tensor) -> Tensor:
    """The chosen tokens' highest value of each number, (N, width); -100 where none is chosen."""
    return states.masked_fill(chosen.unsqueeze(-1) == 0, -100.0).amax(dim=1)


def _head(head: Head, width: int, dropout: float) -> nn.Module:
    if head.reads in {"message", "peaks"}:
        return nn.Sequential(nn.Dropout(dropout), nn.Linear(width * (1 + (head.reads == "peaks")), head.size))
    inputs, hidden = (3 * width, width) if head.reads == "window" else (2 * width, width // 2)
    return nn.Sequential(
        nn.Dropout(dropout),
        nn.Linear(inputs, hidden),
        nn.GELU(),
        nn.Dropout(dropout),
        nn.Linear(hidden, head.size),
    )


class Exportable(nn.Module):
    """The same network with every head at once, for one window, as it is shipped."""

    def __init__(self, network: ForkedEncoder) -> None:
        super().__init__()
        self.network = network.eval()

    def forward(self, ids: Tensor, types: Tensor) -> tuple[Tensor, ...]:
        """Outputs of every head in order, for `ids` and `types` of (1, T)."""
        outputs = self.network(ids, types, torch.ones_like(ids), list(self.network.heads))
        return tuple(outputs.values())


def parameter_groups(
    network: nn.Module, *, encoder_rate: float, head_rate: float, decay: float
) -> list[dict[str, object]]:
    """Optimizer groups: heads and marks start from nothing and learn faster; norms and biases do not decay."""
    groups: dict[tuple[float, float], list[nn.Parameter]] = {}
    for name, parameter in network.named_parameters():
        if not parameter.requires_grad:
            continue
        rate = head_rate if name.startswith(("heads.", "head.", "marks.")) else encoder_rate
        weight_decay = decay if parameter.ndim > 1 else 0.0
        groups.setdefault((rate, weight_decay), []).append(parameter)
    return [
        {"params": parameters, "lr": rate, "weight_decay": weight_decay}
        for (rate, weight_decay), parameters in groups.items()
    ]


def initial(network: ForkedEncoder, state: Mapping[str, Tensor]) -> int:
    """Take over what an earlier run left, as far as names and shapes agree; the rest stays as it is.

    Returns:
        How many tensors were taken over.
    """
    own = network.state_dict()
    fitting = {name: value for name, value in state.items() if name in own and own[name].shape == value.shape}
    network.load_state_dict(own | fitting)
    return len(fitting)
