from __future__ import annotations

import hashlib
import json
import math
import os
import pickletools
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from agent.errors import WeightsError
from agent.readings import LabelSet
from sem_plugins.conformal import ConformalRule
from sem_plugins.encoder import Encoder
from sem_plugins.labels import OF_HEADS
from sem_plugins.probability import sigmoid
from sem_plugins.weights import KINDS, SHIPPED, Head, Kind, load_manifest

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


def test_that_the_labels_of_the_manifest_are_those_of_the_code_in_their_order():
    heads = load_manifest().heads
    assert {name: head.label_set for name, head in heads.items()} == dict(OF_HEADS)
    assert list(heads) == list(OF_HEADS)


def test_that_each_reading_has_a_head_of_its_kind():
    assert {name: head.kind for name, head in load_manifest().heads.items()} == {
        "emotion": "softmax",
        "expression": "sigmoid",
        "affect": "regression",
        "felt": "regression",
        "risk": "sigmoid",
        "evidence": "tags",
        "strategy": "softmax",
        "empathy": "levels",
        "rationale": "tags",
        "cause": "marks",
        "span": "span",
        "cause_type": "sigmoid",
    }


def test_that_temperatures_and_thresholds_are_of_this_world():
    for head in load_manifest().heads.values():
        assert 0.3 <= head.temperature <= 4
        assert all(0 < threshold < 1 for threshold in head.thresholds)


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_that_only_levels_take_three_numbers_a_label(kind: Kind):
    assert Head(LabelSet("pets", ("cat", "dog")), kind).size == (6 if kind == "levels" else 2)


def test_that_offsets_count_before_the_temperature_does():
    head = Head(LabelSet("pets", ("cat", "dog")), "softmax", temperature=2.0, offsets=(1.0, 0.0))
    odds = math.exp((0.5 + 1.0 - 0.5) / 2)
    assert head.distribution(np.array([[0.5, 0.5]]))[0] == pytest.approx([odds / (1 + odds), 1 / (1 + odds)])


def test_that_smoothing_of_the_training_is_undone():
    head = Head(LabelSet("pets", ("cat", "dog")), "softmax", smoothing=0.2)
    assert head.distribution(np.log([[0.74, 0.26]]))[0] == pytest.approx([0.8, 0.2])


@pytest.mark.parametrize("shape", [(2,), (5, 2)], ids=["of a message", "of tokens"])
def test_that_probabilities_of_their_own_keep_the_shape(shape: tuple[int, ...]):
    head = Head(LabelSet("pets", ("cat", "dog")), "tags", temperature=2.0)
    assert head.each(np.full(shape, 2.0)) == pytest.approx(np.full(shape, 1 / (1 + math.exp(-1))))


def test_that_the_last_distance_stands_for_all_beyond():
    head = Head(LabelSet("x", ("cause",)), "marks", temperature=2.0, thresholds=(0.5,), by_distance=(1.0, -1.0))
    found = head.at_distances(np.array([1.0, 1.0, 1.0]), np.array([7, 1, 0]))
    assert found == pytest.approx(sigmoid(np.array([0.0, 0.0, 1.0])))


def test_that_without_offsets_distance_does_not_count():
    head = Head(LabelSet("x", ("cause",)), "marks", thresholds=(0.5,))
    assert head.at_distances(np.array([1.0, 1.0]), np.array([0, 5])) == pytest.approx(sigmoid(np.ones(2)))


def test_that_a_calibrated_head_comes_back_as_it_was_written(folder: Path):
    rule = ConformalRule("raps", 0.93, 0.9, 5000)
    calibrated = {"temperature": 1.25, "smoothing": 0.1, "offsets": [0.5] * 32, "conformal": rule.to_dict()}
    change(folder, lambda raw: raw["heads"]["emotion"].update(calibrated))
    head = load_manifest(folder).heads["emotion"]
    assert head.conformal == rule
    assert (head.temperature, head.smoothing, head.offsets) == (1.25, 0.1, (0.5,) * 32)


def test_that_a_head_is_plain_where_the_manifest_says_nothing_more(folder: Path):
    def strip(raw: dict[str, Any]) -> None:
        head = raw["heads"]["emotion"]
        raw["heads"]["emotion"] = {name: head[name] for name in ("label_set", "labels", "kind")}

    change(folder, strip)
    assert load_manifest(folder).heads["emotion"] == Head(OF_HEADS["emotion"], "softmax")


def test_that_the_shipped_weights_are_small_enough_for_a_package():
    assert sum(path.stat().st_size for path in SHIPPED.rglob("*")) <= 40 * MEGABYTE


def test_that_no_shipped_file_can_run_code():
    for path in SHIPPED.rglob("*"):
        assert path.suffix in {".onnx", ".json", ".md", ".npy"}, path.name
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
        ("emotion", {"temperature": math.nan}, "temperature nan"),
        ("emotion", {"temperature": math.inf}, "temperature inf"),
        ("emotion", {"smoothing": 1}, "smoothing 1"),
        ("emotion", {"smoothing": -0.1}, "smoothing -0.1"),
        ("emotion", {"conformal": {"method": "guess", "quantile": 1, "coverage": 0.9, "n": 99}}, "guess"),
        ("emotion", {"conformal": {"method": "lac"}}, "conformal rule has the entries"),
        ("strategy", {"offsets": [0.1] * 7}, "7 offsets for 8 labels"),
        ("strategy", {"offsets": [math.inf] * 8}, "inf"),
        ("strategy", {"offsets": ["some"] * 8}, "some"),
        ("risk", {"thresholds": [0.5] * 9}, "9 thresholds for 8 labels"),
        ("risk", {"thresholds": [50] * 8}, "50"),
        ("risk", {"thresholds": [math.nan] * 8}, "nan"),
        ("cause", {"by_distance": [math.inf, 0.0]}, "by_distance"),
        ("evidence", {"thresholds": []}, "0 thresholds for 1 labels"),
        ("cause", {"thresholds": [0.5, 0.5]}, "2 thresholds for 1 labels"),
        ("emotion", {"labels": ["sad", "sad"]}, "names a label twice"),
        ("emotion", {"labels": 32}, "not iterable"),
    ],
)
def test_that_an_impossible_head_is_refused(folder: Path, head: str, change_to: dict[str, Any], said: str):
    change(folder, lambda raw: raw["heads"][head].update(change_to))
    with pytest.raises(WeightsError, match=said) as error:
        load_manifest(folder)
    assert_says(error, folder / "manifest.json")


@pytest.mark.parametrize("most", [0, 7, -160, "160", None, 160.5])
def test_that_a_window_too_short_for_a_word_is_refused(folder: Path, most: Any):
    change(folder, lambda raw: raw.update(max_tokens=most))
    with pytest.raises(WeightsError, match="max_tokens") as error:
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
        lambda heads: heads.update(temper=heads["emotion"]),
        lambda heads: heads.update(emotion=heads["expression"]),
        lambda heads: heads["affect"].update(kind="levels"),
    ],
    ids=["a label less", "a head more", "labels of another head", "another kind"],
)
def test_that_a_manifest_for_another_model_is_refused(folder: Path, alter: Callable[[dict[str, Any]], None]):
    change(folder, lambda raw: alter(raw["heads"]))
    with pytest.raises(WeightsError, match="disagree") as error:
        Encoder(load_manifest(folder))
    assert_says(error, folder)
