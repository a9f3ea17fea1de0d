from __future__ import annotations

import hashlib
import json
import os
import pickletools
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from agent.errors import WeightsError
from sem_plugins.encoder import Encoder
from sem_plugins.labels import EMPATHETIC_DIALOGUES, GO_EMOTIONS
from sem_plugins.weights import SHIPPED, load_manifest

MEGABYTE = 1_000_000


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the shipped weights that a test may damage; the model is only linked."""
    copy = tmp_path / "weights"
    copy.mkdir()
    for path in SHIPPED.iterdir():
        if path.stat().st_size > MEGABYTE:
            (copy / path.name).symlink_to(path)
        else:
            shutil.copy(path, copy / path.name)
    return copy


def change(folder: Path, alter: Callable[[dict[str, Any]], None]) -> None:
    """Alter the manifest of a folder."""
    path = folder / "manifest.json"
    raw = json.loads(path.read_text(encoding="utf-8"))
    alter(raw)
    path.write_text(json.dumps(raw), encoding="utf-8")


def write(folder: Path, name: str, content: bytes) -> None:
    """Put other content into a file, and its hash into the manifest."""
    (folder / name).unlink()
    (folder / name).write_bytes(content)
    change(folder, lambda raw: raw["sha256"].update({name: hashlib.sha256(content).hexdigest()}))


def assert_says(error: pytest.ExceptionInfo[WeightsError], path: Path) -> None:
    """The message names the file and what to do."""
    assert str(path) in str(error.value)
    assert "Reinstall `heartline`" in str(error.value)


def test_that_the_shipped_files_are_what_the_manifest_says():
    manifest = load_manifest()
    assert set(manifest.sha256) == {manifest.model, manifest.tokenizer}
    for name in manifest.sha256:
        assert manifest.verified(name) == SHIPPED / name


def test_that_the_labels_of_the_manifest_are_those_of_the_code():
    heads = load_manifest().heads
    assert heads["emotion"].label_set == EMPATHETIC_DIALOGUES
    assert heads["emotion"].kind == "softmax"
    assert heads["expression"].label_set == GO_EMOTIONS
    assert heads["expression"].kind == "sigmoid"


def test_that_temperatures_and_thresholds_are_of_this_world():
    for head in load_manifest().heads.values():
        assert 0.3 <= head.temperature <= 4
        assert all(0.05 <= threshold <= 0.8 for threshold in head.thresholds)


def test_that_the_shipped_weights_are_small_enough_for_a_package():
    assert sum(path.stat().st_size for path in SHIPPED.rglob("*")) <= 40 * MEGABYTE


def test_that_no_shipped_file_can_run_code():
    for path in SHIPPED.rglob("*"):
        assert path.suffix in {".onnx", ".json", ".md", ".safetensors"}, path.name
        head = path.read_bytes()[:1024]
        assert not head.startswith(b"PK"), f"{path.name} is an archive, as torch writes its pickles"
        with pytest.raises(Exception):  # noqa: B017, PT011 - whatever it says of what is no pickle
            list(pickletools.genops(head))


@pytest.mark.parametrize("name", ["encoder.int8.onnx", "tokenizer.json"])
def test_that_one_flipped_bit_is_refused(folder: Path, name: str):
    content = bytearray((folder / name).read_bytes())
    content[len(content) // 2] ^= 1
    (folder / name).unlink()
    (folder / name).write_bytes(content)
    with pytest.raises(WeightsError, match="damaged or was altered") as error:
        Encoder(load_manifest(folder))
    assert_says(error, folder / name)


@pytest.mark.parametrize("name", ["encoder.int8.onnx", "tokenizer.json"])
def test_that_a_missing_file_is_named(folder: Path, name: str):
    (folder / name).unlink()
    with pytest.raises(WeightsError, match="cannot be read") as error:
        Encoder(load_manifest(folder))
    assert_says(error, folder / name)


def test_that_a_folder_in_the_place_of_a_file_is_named(folder: Path):
    (folder / "tokenizer.json").unlink()
    (folder / "tokenizer.json").mkdir()
    with pytest.raises(WeightsError, match="cannot be read") as error:
        Encoder(load_manifest(folder))
    assert_says(error, folder / "tokenizer.json")


def test_that_a_missing_manifest_is_named(tmp_path: Path):
    with pytest.raises(WeightsError, match="No such file") as error:
        load_manifest(tmp_path)
    assert_says(error, tmp_path / "manifest.json")


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="whoever may read everything is not refused")
def test_that_an_unreadable_manifest_is_named(folder: Path):
    (folder / "manifest.json").chmod(0)
    with pytest.raises(WeightsError, match="denied") as error:
        load_manifest(folder)
    assert_says(error, folder / "manifest.json")


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b"null", b'"text"', b"{}", b"\xff\xfe", b'{"heads": []}'],
    ids=["empty", "cut", "a list", "null", "a string", "an empty object", "no UTF-8", "a list of heads"],
)
def test_that_a_manifest_that_is_none_is_named(folder: Path, content: bytes):
    (folder / "manifest.json").write_bytes(content)
    with pytest.raises(WeightsError, match="is not sound") as error:
        load_manifest(folder)
    assert_says(error, folder / "manifest.json")


@pytest.mark.parametrize("key", ["id", "model", "tokenizer", "sha256", "max_tokens", "heads", "card"])
def test_that_a_manifest_without_a_part_is_refused(folder: Path, key: str):
    change(folder, lambda raw: raw.pop(key))
    with pytest.raises(WeightsError, match=key) as error:
        load_manifest(folder)
    assert_says(error, folder / "manifest.json")


@pytest.mark.parametrize("name", ["encoder.int8.onnx", "tokenizer.json"])
def test_that_a_file_without_a_hash_is_not_trusted(folder: Path, name: str):
    change(folder, lambda raw: raw["sha256"].pop(name))
    with pytest.raises(WeightsError, match="is not sound") as error:
        load_manifest(folder)
    assert name in str(error.value)
    assert_says(error, folder / "manifest.json")


@pytest.mark.parametrize(
    ("head", "change_to", "said"),
    [
        ("expression", {"thresholds": [0.3] * 27}, "27 thresholds for 28 labels"),
        ("expression", {"thresholds": []}, "0 thresholds for 28 labels"),
        ("expression", {"kind": "ranking"}, "ranking"),
        ("emotion", {"kind": "sigmoid"}, "0 thresholds for 32 labels"),
        ("emotion", {"temperature": 0}, "temperature 0"),
        ("emotion", {"temperature": -1}, "temperature -1"),
        ("emotion", {"temperature": "warm"}, "warm"),
        ("emotion", {"labels": ["sad", "sad"]}, "names a label twice"),
        ("emotion", {"labels": 32}, "not iterable"),
    ],
)
def test_that_an_impossible_head_is_refused(folder: Path, head: str, change_to: dict[str, Any], said: str):
    change(folder, lambda raw: raw["heads"][head].update(change_to))
    with pytest.raises(WeightsError, match=said) as error:
        load_manifest(folder)
    assert_says(error, folder / "manifest.json")


def test_that_a_cut_model_is_refused_though_its_hash_is_right(folder: Path):
    model = (folder / "encoder.int8.onnx").read_bytes()
    write(folder, "encoder.int8.onnx", model[: len(model) // 2])
    with pytest.raises(WeightsError, match="no model that ONNX Runtime can load") as error:
        Encoder(load_manifest(folder))
    assert_says(error, folder / "encoder.int8.onnx")


@pytest.mark.parametrize("content", [b"", b"{}", b"no JSON", b'{"version": "1.0", "model": {"type": "BPE"}}'])
def test_that_a_broken_tokenizer_is_refused_though_its_hash_is_right(folder: Path, content: bytes):
    write(folder, "tokenizer.json", content)
    with pytest.raises(WeightsError, match="cannot be loaded") as error:
        Encoder(load_manifest(folder))
    assert_says(error, folder / "tokenizer.json")


@pytest.mark.parametrize(
    "alter",
    [
        lambda heads: heads["emotion"]["labels"].pop(),
        lambda heads: heads.update(strategy=heads["emotion"]),
        lambda heads: heads.update(emotion=heads["expression"]),
    ],
    ids=["a label less", "a head more", "labels of another head"],
)
def test_that_a_manifest_for_another_model_is_refused(folder: Path, alter: Callable[[dict[str, Any]], None]):
    change(folder, lambda raw: alter(raw["heads"]))
    with pytest.raises(WeightsError, match="disagree") as error:
        Encoder(load_manifest(folder))
    assert_says(error, folder)
