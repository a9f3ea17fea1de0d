"""From a trained network to the file that is shipped: ONNX, weights in eight bits."""

from __future__ import annotations

import copy
import tempfile
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from sem_plugins.encoder import load_onnxruntime
from sem_plugins.training.network import Exportable, ForkedEncoder
from sem_plugins.window import MARKS

__all__ = ["export", "fuse_attention", "to_eight_bits"]


def export(network: ForkedEncoder, path: Path, *, quantized: bool = True) -> None:
    """Write `network` to `path` as ONNX.

    Inputs: `ids` and `types`, both (1, tokens). Outputs: one per head, named as the head: (1, size),
    or (1, tokens, size). The network's mark vectors become part of its word vectors.

    Args:
        network: Stays as it is.
        path: File to write.
        quantized: Eight-bit weights and activations; else 32-bit floats, for comparison.
    """
    network = copy.deepcopy(network)
    fold_marks(network)
    for layers in (network.shared, *network.branches.values()):
        for layer in layers:
            fuse_attention(layer)
    names = list(network.heads)
    axes = {name: {1: "tokens"} for name in ("ids", "types")}
    axes |= {name: {1: "tokens"} for name in names if network.specs[name].reads == "token"}
    example = (torch.ones(1, 8, dtype=torch.long), torch.ones(1, 8, dtype=torch.long))
    # Evaluation mode: else the exporter would put it back into training.
    module, inputs = Exportable(network).eval(), ["ids", "types"]
    if quantized:
        to_eight_bits(module, example, path, inputs=inputs, outputs=names, axes=axes)
    else:
        _to_floats(module, example, path, inputs=inputs, outputs=names, axes=axes)


def to_eight_bits(
    module: nn.Module,
    example: tuple[Tensor, ...],
    path: Path,
    *,
    inputs: Sequence[str],
    outputs: Sequence[str],
    axes: Mapping[str, Mapping[int, str]],
) -> None:
    """Write a module in evaluation mode, with weights and activations of eight bits.

    Args:
        module: With its layers' attention fused.
        example: What it is called with.
        path: File to write.
        inputs: Names of its inputs.
        outputs: Names of its outputs.
        axes: Name to its axes of any length.
    """
    load_onnxruntime()
    from onnx import TensorProto
    from onnxruntime.quantization import QuantType, quantize_dynamic

    with tempfile.TemporaryDirectory() as folder:
        plain = Path(folder) / "plain.onnx"
        _to_floats(module, example, plain, inputs=inputs, outputs=outputs, axes=axes)
        # Seven-bit ranges: without them, CPUs that lack VNNI add up 16 bits and saturate.
        quantize_dynamic(
            plain,
            path,
            weight_type=QuantType.QInt8,
            reduce_range=True,
            per_channel=True,
            extra_options={"DefaultTensorType": TensorProto.FLOAT},  # of what comes out of `Attention`
        )


def _to_floats(
    module: nn.Module,
    example: tuple[Tensor, ...],
    path: Path,
    *,
    inputs: Sequence[str],
    outputs: Sequence[str],
    axes: Mapping[str, Mapping[int, str]],
) -> None:
    with warnings.catch_warnings():
        # The TorchScript exporter is deprecated, but the new one's graph is not matched by the
        # quantiser's patterns: int8 of it is half as fast.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            module,
            example,
            str(path),
            input_names=list(inputs),
            output_names=list(outputs),
            dynamic_axes=axes,
            custom_opsets={"com.microsoft": 1},
            dynamo=False,
        )


def fuse_attention(layer: nn.Module) -> None:
    """Put one operator of ONNX Runtime into the place of a BERT layer's attention."""
    layer.attention = _FusedAttention(layer.attention)


def fold_marks(network: ForkedEncoder) -> None:
    """Add the mark vectors to the word vectors of the marks, so that the graph looks them up once."""
    with torch.no_grad():
        words = network.embeddings.word_embeddings.weight
        words[1:MARKS] += network.marks.weight[1:].to(words.dtype)
        network.marks.weight.zero_()


class _FusedAttention(nn.Module):
    """BERT's attention as one operator of ONNX Runtime.

    Written out it is three products, four transpositions and a dozen small operators, which take longer and
    give the same numbers. For one window at a time: it leaves the mask out.

    Args:
        attention: The attention of a BERT layer, in evaluation mode.
    """

    def __init__(self, attention: nn.Module) -> None:
        super().__init__()
        inner: Any = attention.self
        parts = (inner.query, inner.key, inner.value)
        self.weight = nn.Parameter(torch.cat([part.weight for part in parts]).T.contiguous())
        self.bias = nn.Parameter(torch.cat([part.bias for part in parts]))
        self.output = attention.output
        self.heads: int = inner.num_attention_heads

    def forward(self, states: Tensor, *_: Any, **__: Any) -> tuple[Tensor, None]:
        """States (1, T, width) to states of the same shape; the mask is not looked at."""
        return self.output(_Attention.apply(states, self.weight, self.bias, self.heads), states), None


class _Attention(torch.autograd.Function):
    """`com.microsoft.Attention`, unmasked."""

    @staticmethod
    def forward(_: Any, states: Tensor, weight: Tensor, bias: Tensor, heads: int) -> Tensor:
        query, key, value = (
            part.unflatten(-1, (heads, -1)).transpose(1, 2) for part in (states @ weight + bias).chunk(3, dim=-1)
        )
        return functional.scaled_dot_product_attention(query, key, value).transpose(1, 2).flatten(2)

    @staticmethod
    def symbolic(graph: Any, states: Any, weight: Any, bias: Any, heads: int) -> Any:
        made = graph.op("com.microsoft::Attention", states, weight, bias, num_heads_i=heads)
        return made.setType(states.type())
