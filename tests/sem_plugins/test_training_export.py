# ruff: noqa: E402 - modules of the `train` extra are imported where it is there
from __future__ import annotations

import hashlib
import json
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="exporting needs the `train` extra")
pytest.importorskip("onnx", reason="exporting needs the `train` extra")
pytest.importorskip("sklearn", reason="the card is written where the floors are measured: with the `train` extra")

from sem_plugins.encoder import Encoder, load_onnxruntime
from sem_plugins.training.emotion import render_card
from sem_plugins.training.examples import Example
from sem_plugins.training.export import export
from sem_plugins.training.loop import Recipe, Task, train
from sem_plugins.training.network import SharedEncoder
from sem_plugins.weights import SHIPPED, load_manifest
from tests.sem_plugins.tiny_bert import LOUD, QUIET, WARM, tiny_base, tiny_tokenizer

pytestmark = [pytest.mark.train, pytest.mark.usefixtures("one_thread")]

TEXTS = [f"{one} {two}" for kind in (WARM, LOUD, QUIET) for one, two in pairwise(kind)]
LABELS = {"place": ("warm", "loud", "quiet"), "other": ("yes", "no")}


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory, one_thread: None) -> SharedEncoder:
    """Trained far enough to be sure of itself."""
    folder = tmp_path_factory.mktemp("network")
    recipe = Recipe(epochs=30, batch=4, encoder_rate=3e-3, head_rate=2e-2, max_tokens=16)
    examples = [Example(text, (place // 7,)) for place, text in enumerate(TEXTS)]
    task = Task("place", 3, exclusive=True, examples=lambda _epoch: examples)
    torch.manual_seed(7)
    network = SharedEncoder(tiny_base(folder / "base"), {name: len(labels) for name, labels in LABELS.items()})
    return train(network, [task], tiny_tokenizer(), recipe, checkpoint=folder / "checkpoint.pt", progress=False)


@pytest.fixture(scope="module")
def exported(network: SharedEncoder, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A weights folder, as a run leaves it."""
    folder = tmp_path_factory.mktemp("weights")
    export(network, folder / "model.onnx")
    tiny_tokenizer().save(str(folder / "tokenizer.json"))
    manifest = {
        "id": "tiny-1",
        "model": "model.onnx",
        "tokenizer": "tokenizer.json",
        "sha256": {
            name: hashlib.sha256((folder / name).read_bytes()).hexdigest()
            for name in ("model.onnx", "tokenizer.json")
        },
        "max_tokens": 16,
        "heads": {
            name: {"label_set": name, "labels": labels, "kind": "softmax", "temperature": 1}
            for name, labels in LABELS.items()
        },
        "card": {},
    }
    (folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    return folder


def test_that_the_exported_model_gives_the_same_first_labels_as_torch(network: SharedEncoder, exported: Path):
    encoder = Encoder(load_manifest(exported), threads=1)
    with torch.no_grad():
        for text, place in zip(TEXTS, encoder.forward(TEXTS)["place"].argmax(axis=1), strict=True):
            ids = torch.tensor([tiny_tokenizer().encode(text).ids])
            assert network(ids, torch.ones_like(ids), "place").argmax().item() == place


def test_that_the_exported_model_has_every_head_and_a_vector(exported: Path):
    session = load_onnxruntime().InferenceSession(str(exported / "model.onnx"))
    assert [output.name for output in session.get_outputs()] == ["place", "other", "pooled"]
    ids = np.ones((3, 5), np.int64)
    shapes = [output.shape for output in session.run(None, {"input_ids": ids, "attention_mask": ids})]
    assert shapes == [(3, 3), (3, 2), (3, 32)]


def test_that_the_exported_weights_take_one_byte_each(network: SharedEncoder, exported: Path):
    import onnx

    model = onnx.load(exported / "model.onnx")
    kinds = {
        onnx.TensorProto.DataType.Name(tensor.data_type)
        for tensor in model.graph.initializer
        if len(tensor.dims) == 2
    }
    assert "INT8" in kinds
    large = [tensor for tensor in model.graph.initializer if np.prod(tensor.dims) >= 1024]
    assert large
    assert all(tensor.data_type in {onnx.TensorProto.INT8, onnx.TensorProto.UINT8} for tensor in large)


def test_that_the_shipped_card_is_the_one_its_manifest_gives():
    assert (SHIPPED / "CARD.md").read_text(encoding="utf-8") == render_card(load_manifest())


def test_that_the_card_says_what_the_manifest_says():
    manifest = load_manifest()
    card, text = manifest.card, render_card(manifest)
    for task, metric in (
        ("empathetic-dialogues/situation", "top1"),
        ("empathetic-dialogues/situation", "top5"),
        ("empathetic-dialogues/seeker-turns", "top1"),
        ("empathetic-dialogues/seeker-turns", "macro_f1"),
        ("empathetic-dialogues/seeker-turns", "ece"),
        ("goemotions", "macro_f1"),
    ):
        assert f"{card['scores'][task][metric]['value'] * 100:.1f}" in text
    for head, scores in card["per_label"].items():
        assert set(scores) == set(manifest.heads[head].label_set.labels)
        assert all(f"| {label} | {score * 100:.0f} |" in text for label, score in scores.items())
    assert all(f"| {name} | `{digest}` |" in text for name, digest in card["data"].items())
    assert all(f"- {name}: {value}" in text for name, value in card["recipe"].items())
    assert card["licence"] in text
    assert f"{card['examples']['valid_dialogues']:,} dialogues" in text
    assert "Undefined" not in text
    assert "None" not in text
