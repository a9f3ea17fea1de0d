"""The network that is trained: one BERT-like encoder, mean pooling, one linear head per task."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from torch import Tensor, nn
from transformers import AutoModel

__all__ = ["SharedEncoder"]


class SharedEncoder(nn.Module):
    """Several classification heads on the mean of one encoder's token vectors.

    Args:
        base: Folder with `config.json` and `model.safetensors` of the base encoder.
        heads: Head name to its number of labels.
        dropout: Dropout in the encoder. It costs a fifth of the speed on a CPU.
        head_dropout: Dropout on the pooled vector.
    """

    def __init__(
        self, base: Path, heads: Mapping[str, int], *, dropout: float = 0.1, head_dropout: float = 0.1
    ) -> None:
        super().__init__()
        # Eager attention: the backward pass of the CPU's fused attention is slower.
        self.encoder = AutoModel.from_pretrained(
            base,
            attn_implementation="eager",
            add_pooling_layer=False,
            hidden_dropout_prob=dropout,
            attention_probs_dropout_prob=dropout,
        )
        self.dropout = nn.Dropout(head_dropout)
        width = self.encoder.config.hidden_size
        self.heads = nn.ModuleDict({name: nn.Linear(width, size) for name, size in heads.items()})

    def freeze_word_embeddings(self) -> None:
        """Keep the word vectors as they are: half the parameters, and rare words stay in place."""
        self.encoder.embeddings.word_embeddings.weight.requires_grad_(requires_grad=False)

    def pool(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        """Mean of the token vectors. Both inputs (N, T); returns (N, width)."""
        states = self.encoder(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state
        mask = attention_mask.unsqueeze(-1).to(states.dtype)
        return (states * mask).sum(dim=1) / mask.sum(dim=1)

    def forward(self, input_ids: Tensor, attention_mask: Tensor, head: str) -> Tensor:
        """Logits of one head, (N, labels)."""
        pooled = self.dropout(self.pool(input_ids, attention_mask))
        logits: Tensor = self.heads[head](pooled)
        return logits


class Exportable(nn.Module):
    """The same network with every head at once, as it is shipped."""

    def __init__(self, network: SharedEncoder) -> None:
        super().__init__()
        self.network = network.eval()

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> tuple[Tensor, ...]:
        """Logits of every head in order, then the pooled vector (N, width)."""
        pooled = self.network.pool(input_ids, attention_mask)
        return (*(head(pooled) for head in self.network.heads.values()), pooled)


def parameter_groups(
    network: SharedEncoder, *, encoder_rate: float, head_rate: float, decay: float
) -> list[dict[str, object]]:
    """Optimizer groups: heads start from nothing and learn faster; norms and biases do not decay."""
    groups: dict[tuple[float, float], list[nn.Parameter]] = {}
    for name, parameter in network.named_parameters():
        if not parameter.requires_grad:
            continue
        rate = head_rate if name.startswith("heads.") else encoder_rate
        weight_decay = decay if parameter.ndim > 1 else 0.0
        groups.setdefault((rate, weight_decay), []).append(parameter)
    return [
        {"params": parameters, "lr": rate, "weight_decay": weight_decay}
        for (rate, weight_decay), parameters in groups.items()
    ]


__all__ += ["Exportable", "parameter_groups"]
