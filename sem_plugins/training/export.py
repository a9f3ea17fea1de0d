"""From a trained network to the file that is shipped: ONNX, weights in eight bits."""

from __future__ import annotations

import tempfile
import warnings
from pathlib import Path

import torch

from sem_plugins.encoder import load_onnxruntime
from sem_plugins.training.network import Exportable, ForkedEncoder
from sem_plugins.window import MARKS

__all__ = ["export"]


def export(network: ForkedEncoder, path: Path, *, quantized: bool = True) -> None:
    """Write `network` to `path` as ONNX.

    Inputs: `ids` and `types`, both (1, tokens). Outputs: one per head, named as the head: (1, size),
    or (1, tokens, size). The network's mark vectors become part of its word vectors.

    Args:
        network: Changed in place: its marks move into the word vectors.
        path: File to write.
        quantized: Eight-bit weights and activations; else 32-bit floats, for comparison.
    """
    load_onnxruntime()
    from onnxruntime.quantization import QuantType, quantize_dynamic

    fold_marks(network)
    names = list(network.heads)
    axes = {name: {1: "tokens"} for name in ("ids", "types")}
    axes |= {name: {1: "tokens"} for name in names if network.specs[name].reads == "token"}
    example = (torch.ones(1, 8, dtype=torch.long), torch.ones(1, 8, dtype=torch.long))
    with tempfile.TemporaryDirectory() as folder:
        plain = Path(folder) / "plain.onnx" if quantized else path
        with warnings.catch_warnings():
            # The TorchScript exporter is deprecated, but the new one's graph is not matched by the
            # quantiser's patterns: int8 of it is half as fast.
            warnings.simplefilter("ignore")
            torch.onnx.export(
                Exportable(network).eval(),  # else the exporter would put it back into training
                example,
                str(plain),
                input_names=["ids", "types"],
                output_names=names,
                dynamic_axes=axes,
                dynamo=False,
            )
        if quantized:
            # Seven-bit ranges: without them, CPUs that lack VNNI add up 16 bits and saturate.
            quantize_dynamic(plain, path, weight_type=QuantType.QInt8, reduce_range=True, per_channel=True)


def fold_marks(network: ForkedEncoder) -> None:
    """Add the mark vectors to the word vectors of the marks, so that the graph looks them up once."""
    with torch.no_grad():
        words = network.embeddings.word_embeddings.weight
        words[1:MARKS] += network.marks.weight[1:].to(words.dtype)
        network.marks.weight.zero_()
