"""The shipped network in four runtimes, on the same windows: which one reads fastest on this machine.

The network gets random weights of the shipped shape: what it says takes as long as what a trained one
says. Needs the `train` extra.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from evals.timing import RUNS, Figure, spread, times
from sem_plugins.encoder import open_session

__all__ = ["runtimes"]

_LENGTHS = {"64 tokens": 64, "a window of 160 tokens": 160}
_RUNS = RUNS // 3

Pass = Callable[[Any], Any]


def runtimes() -> Iterator[Figure]:
    """Median and 99th percentile of one pass in each runtime."""
    with tempfile.TemporaryDirectory() as folder:
        passes = _passes(Path(folder))
        for name, one_pass in passes.items():
            for length, tokens in _LENGTHS.items():
                rng = np.random.default_rng(13)
                windows = [rng.integers(1000, 30000, (1, tokens)) for _ in range(_RUNS + _RUNS // 10)]
                # One runtime after the other: their threads would wait for each other.
                found = times(partial(_run, one_pass, windows), runs=_RUNS)
                yield from spread(f"one pass, {name}, {length}", found)


def _run(one_pass: Pass, windows: Sequence[Any], number: int) -> None:
    one_pass(windows[number])


def _passes(folder: Path) -> dict[str, Pass]:
    import openvino
    import torch
    from transformers import BertConfig, BertModel

    from sem_plugins.training.export import export
    from sem_plugins.training.network import Exportable, ForkedEncoder

    torch.manual_seed(0)
    shape = {"hidden_size": 384, "num_hidden_layers": 6, "num_attention_heads": 12, "intermediate_size": 1536}
    BertModel(BertConfig(vocab_size=30522, **shape), add_pooling_layer=False).save_pretrained(folder)
    network = ForkedEncoder(folder)
    export(network, folder / "float.onnx", quantized=False)
    export(network, folder / "int8.onnx")
    module = Exportable(network)

    def in_torch(ids: Any) -> Any:
        with torch.no_grad():
            return module(torch.from_numpy(ids), torch.ones(ids.shape, dtype=torch.long))

    compiled = openvino.compile_model(
        str(folder / "float.onnx"), "CPU", {"INFERENCE_PRECISION_HINT": "bf16", "PERFORMANCE_HINT": "LATENCY"}
    )
    return {
        "torch float32": in_torch,
        "ONNX Runtime float32": _session(folder / "float.onnx"),
        "ONNX Runtime int8 (shipped)": _session(folder / "int8.onnx"),
        "OpenVINO bf16": lambda ids: compiled((ids, np.ones_like(ids))),
    }


def _session(path: Path) -> Pass:
    session = open_session(path)
    return lambda ids: session.run(None, {"ids": ids, "types": np.ones_like(ids)})
