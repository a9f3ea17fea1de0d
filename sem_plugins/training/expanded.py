"""Layers of the shipped encoder as torch layers again, from the file with eight-bit weights."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnx import numpy_helper
from torch import nn
from transformers import BertConfig
from transformers.models.bert.modeling_bert import BertLayer

__all__ = ["expanded_layers"]

Array = NDArray[np.float32]


def expanded_layers(model: Path, names: Sequence[str], *, dropout: float) -> nn.ModuleList:
    """The named layers with the weights that the file holds, as floats: what eight bits lost stays lost.

    Args:
        model: As `sem_plugins.training.export` writes it.
        names: Of layers in its graph, e.g. `"shared.2"` or `"message.0"`.
        dropout: Of hidden states.
    """
    graph = onnx.load(str(model)).graph
    held = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    products = _products(graph)
    return nn.ModuleList([_layer(held, products[name], _path(name), dropout) for name in names])


def _path(name: str) -> str:
    return f"network.{'' if name.startswith('shared') else 'branches.'}{name}"


def _products(graph: Any) -> Mapping[str, Mapping[str, str]]:
    """Layer to the names of the weights of its four products; names of three of them tell nothing."""
    found: dict[str, dict[str, str]] = {}
    for node in graph.node:
        place = node.output[0].split("/")  # e.g. /network/shared.2/intermediate/dense/…
        if node.op_type == "QAttention":
            found[place[2]] = {"attention": node.input[1].removesuffix("_quantized")}
        elif node.op_type == "MatMulInteger" and len(place) > 3 and place[2] in found:  # noqa: PLR2004
            part = "attention.output" if place[3] == "attention" else place[3]
            found[place[2]][part] = node.input[1].removesuffix("_quantized")
    return found


def _layer(held: Mapping[str, Any], products: Mapping[str, str], path: str, dropout: float) -> nn.Module:
    def product(part: str) -> Array:
        name = products[part]
        whole = held[f"{name}_quantized"].astype(np.float32) - held[f"{name}_zero_point"].astype(np.float32)
        return np.asarray(whole * held[f"{name}_scale"])

    attention = product("attention")  # (width, 3 widths): query, key, value
    width = len(attention)
    config = BertConfig(
        hidden_size=width,
        num_attention_heads=12,
        intermediate_size=product("intermediate").shape[1],
        hidden_dropout_prob=dropout,
        attention_probs_dropout_prob=0.0,
        attn_implementation="eager",
    )
    layer: Any = BertLayer(config)
    inner = layer.attention.self
    biases = np.split(held[f"{path}.attention.bias"], 3)
    for linear, weight, bias in zip(
        (inner.query, inner.key, inner.value), np.split(attention, 3, axis=1), biases, strict=True
    ):
        _set(linear, weight=weight.T, bias=bias)
    for linear, part in (
        (layer.attention.output.dense, "attention.output"),
        (layer.intermediate.dense, "intermediate"),
        (layer.output.dense, "output"),
    ):
        _set(linear, weight=product(part).T, bias=held[f"{path}.{part}.dense.bias"])
    for norm, part in ((layer.attention.output.LayerNorm, "attention.output"), (layer.output.LayerNorm, "output")):
        _set(norm, **{name: held[f"{path}.{part}.LayerNorm.{name}"] for name in ("weight", "bias")})
    return layer


def _set(module: nn.Module, **values: Array) -> None:
    with torch.no_grad():
        for name, value in values.items():
            getattr(module, name).copy_(torch.tensor(value))
