"""The recogniser's file: what it says, that it loads strictly, and that it knows a question when it reads one."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from agent.errors import WeightsError
from agent.turn import Message
from sem_plugins.encoder import VECTORS, Encoder
from sem_plugins.labels import ESCONV
from sem_plugins.vectors import mean_vector
from sem_plugins.verify.cues import CUES
from sem_plugins.verify.recogniser import FILE, Recogniser, features_of, load_recogniser
from sem_plugins.weights import MODEL, Manifest, load_manifest

SHIPPED_FILE = Path("sem_plugins/verify") / FILE


@pytest.fixture(scope="module")
def reads() -> Callable[[str], np.ndarray]:
    encoder = Encoder(load_manifest(), threads=1, inner=[VECTORS], remembered=1)

    def features(text: str) -> np.ndarray:
        vector = mean_vector(encoder.read((Message("seeker", text),)))
        assert vector is not None
        return features_of(vector, text)

    return features


def elsewhere(folder: Path, **changed: Any) -> Manifest:
    """Other weights, with the shipped recogniser but for what is changed; `None` takes an entry out."""
    content = json.loads(SHIPPED_FILE.read_text(encoding="utf-8")) | changed
    kept = {name: value for name, value in content.items() if value is not None}
    (folder / FILE).write_text(json.dumps(kept), encoding="utf-8")
    return replace(load_manifest(), folder=folder)


def test_that_the_shipped_one_was_learned_for_the_shipped_weights():
    recogniser = load_recogniser(load_manifest())
    assert recogniser.weight.shape[0] == len(ESCONV)
    assert all(0 < least < 0.5 for least in recogniser.least.values())
    scores = recogniser.card["scores"]
    assert scores["recogniser"]["macro_f1"]["low"] > scores["majority"]["macro_f1"]["high"]
    assert scores["recogniser"]["accuracy"]["value"] > scores["TF-IDF"]["accuracy"]["value"]
    assert scores["recogniser"]["denied"]["value"] <= 0.05


@pytest.mark.parametrize(
    ("text", "strategy"),
    [
        ("What happened at the allotment on Tuesday?", "question"),
        ("Maybe you could ask the neighbour to water the beans while you are away.", "suggestions"),
        ("I had the same trouble with my own garden when I was younger.", "self_disclosure"),
        ("Hello, how are you doing this evening?", "others"),
    ],
)
def test_that_plain_cases_are_recognised(reads: Callable[[str], np.ndarray], text: str, strategy: str):
    recogniser, features = load_recogniser(load_manifest()), reads(text)
    found = recogniser.probabilities(features)
    assert sum(found.values()) == pytest.approx(1)
    assert strategy in sorted(found, key=lambda name: -found[name])[:2]
    assert not recogniser.follows_none(features, [strategy])


def test_that_advice_is_denied_to_be_a_question(reads: Callable[[str], np.ndarray]):
    recogniser = load_recogniser(load_manifest())
    features = reads("You could ask the neighbour to water the beans while you are away.")
    assert recogniser.follows_none(features, ["question"])
    assert not recogniser.follows_none(features, ["question", "suggestions"])
    assert not recogniser.follows_none(features, ["question", "a strategy of somebody else"])
    assert not recogniser.follows_none(features, [])


def test_that_a_text_without_a_token_has_no_vector():
    encoder = Encoder(load_manifest(), threads=1, inner=[VECTORS], remembered=1)
    assert mean_vector(encoder.read((Message("seeker", ""),))) is None


def test_that_a_recogniser_of_one_s_own_weights_lies_beside_them(tmp_path: Path):
    assert isinstance(load_recogniser(elsewhere(tmp_path)), Recogniser)


def test_that_a_missing_one_is_told_with_its_cure(tmp_path: Path):
    manifest = replace(load_manifest(), folder=tmp_path)
    with pytest.raises(WeightsError, match=r"cannot be read .*heartline models recogniser --weights"):
        load_recogniser(manifest)


@pytest.mark.parametrize(
    ("changed", "complaint"),
    [
        ({"format": 2}, "another format"),
        ({"model": "0" * 64}, "other weights"),
        ({"labels": list(ESCONV.labels[::-1])}, "another labels"),
        ({"cues": list(CUES[1:])}, "another cues"),
        ({"bias": [0.0] * 7}, "shapes"),
        ({"bias": [float("nan")] + [0.0] * 7}, "not finite"),
        ({"bias": "no"}, "not sound"),
        ({"weight": [[0.0] * 406] * 7}, "shapes"),
        ({"weight": [[0.0] * 3] * 8}, "shapes"),
        ({"weight": [[0.0]] * 7 + [[0.0, 1.0]]}, "not sound"),
        ({"weight": None}, "not sound"),
        ({"least": dict.fromkeys(ESCONV.labels, 1.5)}, "no probabilities"),
        ({"least": {"question": 0.1}}, "not sound"),
        ({"card": None}, "not sound"),
    ],
)
def test_that_damage_is_told(tmp_path: Path, changed: dict[str, Any], complaint: str):
    with pytest.raises(WeightsError, match=complaint):
        load_recogniser(elsewhere(tmp_path, **changed))


@pytest.mark.parametrize("content", [b"", b"[]", b"\xff\xfe", b"{"])
def test_that_a_file_that_is_no_object_is_told(tmp_path: Path, content: bytes):
    (tmp_path / FILE).write_bytes(content)
    with pytest.raises(WeightsError, match="not sound"):
        load_recogniser(replace(load_manifest(), folder=tmp_path))


def test_that_weights_that_were_altered_need_a_recogniser_of_their_own():
    manifest = replace(load_manifest(), sha256={**load_manifest().sha256, MODEL: "1" * 64})
    with pytest.raises(WeightsError, match="other weights"):
        load_recogniser(manifest)
