# ruff: noqa: E402 - modules of the `train` extra are imported where it is there
from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

torch = pytest.importorskip("torch", reason="exporting needs the `train` extra")
pytest.importorskip("onnx", reason="exporting needs the `train` extra")

from agent.turn import Message
from sem_plugins.encoder import VECTORS, Encoder, load_onnxruntime
from sem_plugins.labels import OF_HEADS
from sem_plugins.training.batches import Stream, padded
from sem_plugins.training.examples import alone
from sem_plugins.training.export import export
from sem_plugins.training.heads import HEADS
from sem_plugins.training.loop import Recipe, train
from sem_plugins.training.network import FORK, ForkedEncoder
from sem_plugins.weights import MODEL, TOKENIZER, load_manifest
from tests.sem_plugins.tiny_bert import LOUD, QUIET, WARM, tiny_base, tiny_maker, tiny_tokenizer

pytestmark = [pytest.mark.train, pytest.mark.usefixtures("one_thread")]

MAKER = tiny_maker()
NAMES = list(HEADS)

TALKS = [
    (Message("seeker", "sun"),),
    (Message("seeker", "drum horn"), Message("supporter", "sun", "question"), Message("seeker", "snow moss pond")),
    (Message("supporter", "horn " * 20), Message("seeker", "")),
]
"""Short, with a history, and with nothing to read."""

Outputs = Mapping[str, NDArray[np.float32]]


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory, one_thread: None) -> ForkedEncoder:
    """With marks that learnt something, and an emotion head that is sure of itself."""
    folder = tmp_path_factory.mktemp("network")
    recipe = Recipe(epochs=40, encoder_rate=3e-3, head_rate=2e-2, averaging=0.9, max_tokens=48)
    examples = [
        alone(f"{one} {two}", emotion=label)
        for label, words in enumerate((WARM, LOUD, QUIET))
        for one, two in [*pairwise(words), *zip(words, words, strict=True)]
    ]
    torch.manual_seed(7)
    network = ForkedEncoder(tiny_base(folder / "base"), fork=1)
    stream = Stream("emotion", ("emotion",), lambda _: examples, batch=8)
    train(network, [stream], MAKER, recipe, checkpoint=folder / "checkpoint.pt", progress=False)
    with torch.no_grad():
        network.marks.weight[1:] += 0.05 * torch.randn_like(network.marks.weight[1:])
    return network


@pytest.fixture(scope="module")
def exact(network: ForkedEncoder, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The network in 32-bit floats."""
    path = tmp_path_factory.mktemp("exact") / "exact.onnx"
    export(network, path, quantized=False)
    return path


@pytest.fixture(scope="module")
def shipped(network: ForkedEncoder, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A weights folder, as a run leaves it."""
    folder = tmp_path_factory.mktemp("weights")
    export(network, folder / MODEL)
    tiny_tokenizer().save(str(folder / TOKENIZER))
    heads = {
        name: {
            "label_set": label_set.id,
            "labels": label_set.labels,
            "kind": HEADS[name].kind,
            "thresholds": [0.5] * len(label_set) if HEADS[name].kind in {"sigmoid", "marks", "tags"} else [],
        }
        for name, label_set in OF_HEADS.items()
    }
    hashes = {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in (MODEL, TOKENIZER)}
    manifest = {"id": "tiny", "model": MODEL, "tokenizer": TOKENIZER, "sha256": hashes, "max_tokens": 48}
    (folder / "manifest.json").write_text(json.dumps(manifest | {"heads": heads, "card": {}}), encoding="utf-8")
    return folder


def by_torch(network: ForkedEncoder, messages: tuple[Message, ...]) -> Outputs:
    with torch.no_grad():
        outputs = network(*padded([MAKER(messages)]), NAMES)
    return {name: output[0].numpy() for name, output in outputs.items()}


def by_onnx(path: Path, messages: tuple[Message, ...]) -> Outputs:
    window = MAKER(messages)
    session = load_onnxruntime().InferenceSession(str(path))
    outputs = session.run(NAMES, {"ids": window.ids[None], "types": window.types[None]})
    return {name: output[0] for name, output in zip(NAMES, outputs, strict=True)}


@pytest.mark.parametrize("messages", TALKS)
def test_that_exported_floats_give_what_torch_gives(
    network: ForkedEncoder, exact: Path, messages: tuple[Message, ...]
):
    expected, found = by_torch(network, messages), by_onnx(exact, messages)
    for name in NAMES:
        assert found[name].shape == expected[name].shape
        assert np.abs(found[name] - expected[name]).max() < 1e-4, name


@pytest.mark.parametrize("messages", TALKS)
def test_that_eight_bits_give_nearly_what_torch_gives(
    network: ForkedEncoder, shipped: Path, messages: tuple[Message, ...]
):
    expected, found = by_torch(network, messages), by_onnx(shipped / MODEL, messages)
    for name in NAMES:
        assert found[name].shape == expected[name].shape
        assert np.abs(found[name] - expected[name]).max() < 0.1 * max(1, np.abs(expected[name]).max()), name


def test_that_eight_bits_choose_the_same_emotion_as_torch(network: ForkedEncoder, shipped: Path):
    encoder = Encoder(load_manifest(shipped), threads=1)
    for word in (*WARM, *LOUD, *QUIET):
        messages = (Message("seeker", f"{word} {word}"),)
        chosen = encoder.read(messages).outputs["emotion"].argmax()
        assert chosen == by_torch(network, messages)["emotion"].argmax()


def test_that_a_model_takes_one_window_of_any_length(shipped: Path):
    session = load_onnxruntime().InferenceSession(str(shipped / MODEL))
    assert [(one.name, one.shape, one.type) for one in session.get_inputs()] == [
        ("ids", [1, "tokens"], "tensor(int64)"),
        ("types", [1, "tokens"], "tensor(int64)"),
    ]
    for tokens in (3, 48, 160):
        ids = np.full((1, tokens), 104)
        outputs = session.run(None, {"ids": ids, "types": np.ones_like(ids)})
        for name, output in zip(NAMES, outputs, strict=True):
            size = HEADS[name].size
            assert output.shape == ((1, tokens, size) if HEADS[name].reads == "token" else (1, size))


def test_that_a_model_has_every_head_in_order(shipped: Path):
    session = load_onnxruntime().InferenceSession(str(shipped / MODEL))
    assert [output.name for output in session.get_outputs()] == NAMES == list(OF_HEADS)


def test_that_large_weights_take_one_byte_each(shipped: Path):
    import onnx

    model = onnx.load(shipped / MODEL)
    large = [tensor for tensor in model.graph.initializer if np.prod(tensor.dims) >= 1024]
    assert len(large) > 10
    assert {tensor.data_type for tensor in large} <= {onnx.TensorProto.INT8, onnx.TensorProto.UINT8}


def test_that_the_network_itself_reads_as_before_once_it_is_exported(network: ForkedEncoder, tmp_path: Path):
    before, weights = (
        by_torch(network, TALKS[1]),
        {name: one.clone() for name, one in network.state_dict().items()},
    )
    export(network, tmp_path / "model.onnx", quantized=False)
    after = by_torch(network, TALKS[1])
    assert all(np.array_equal(before[name], after[name]) for name in NAMES)
    assert network.state_dict().keys() == weights.keys()
    assert all(torch.equal(network.state_dict()[name], value) for name, value in weights.items())
    assert [path.name for path in tmp_path.iterdir()] == ["model.onnx"]


def test_that_an_export_has_the_token_vectors_that_replies_are_compared_by(shipped: Path):
    assert f"/shared.{FORK - 1}/" in VECTORS, "the last shared layer has another name"
    last_of_one = VECTORS.replace(f"/shared.{FORK - 1}/", "/shared.0/")
    encoder = Encoder(load_manifest(shipped), threads=1, inner=[last_of_one])
    encoded = encoder.read((Message("seeker", "The roof leaks."),))
    assert encoded.outputs[last_of_one].shape[0] == len(encoded.window.types)
