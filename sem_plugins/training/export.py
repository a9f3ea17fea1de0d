"""From a trained network to the files that are shipped: ONNX, weights in eight bits."""

from __future__ import annotations

import tempfile
import warnings
from pathlib import Path

import torch

from sem_plugins.encoder import load_onnxruntime
from sem_plugins.training.network import Exportable, SharedEncoder

__all__ = ["export"]


def export(network: SharedEncoder, path: Path) -> None:
    """Write `network` to `path` as ONNX with int8 weights and float activations.

    Outputs: one per head, named as the head, (N, labels); and `pooled`, (N, width).
    """
    load_onnxruntime()
    from onnxruntime.quantization import QuantType, quantize_dynamic

    names = [*network.heads, "pooled"]
    axes = {name: {0: "texts"} for name in names}
    axes |= {name: {0: "texts", 1: "tokens"} for name in ("input_ids", "attention_mask")}
    example = (torch.ones(2, 8, dtype=torch.long), torch.ones(2, 8, dtype=torch.long))
    with tempfile.TemporaryDirectory() as folder:
        plain = Path(folder) / "plain.onnx"
        with warnings.catch_warnings():
            # The TorchScript exporter is deprecated, but the new one's graph is not matched by the
            # quantiser's patterns: int8 of it is half as fast.
            warnings.simplefilter("ignore")
            torch.onnx.export(
                Exportable(network),
                example,
                str(plain),
                input_names=["input_ids", "attention_mask"],
                output_names=names,
                dynamic_axes=axes,
                dynamo=False,
            )
        # Seven-bit ranges: without them, CPUs that lack VNNI add up 16 bits and saturate.
        quantize_dynamic(plain, path, weight_type=QuantType.QInt8, reduce_range=True, per_channel=True)
