"""Training the branch for risk: files that load, thresholds that keep their promise, runs that go on."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="training needs the `train` extra")

from agent.errors import DataError
from agent.testing import a_turn
from sem_plugins.encoder import Encoder, encoder_for, open_session
from sem_plugins.risk.branch import LOWER, NETWORK, load_branch
from sem_plugins.training.risk_branch import Plan, learn
from sem_plugins.training.risk_material import beside_each_other, between
from sem_plugins.training.risk_network import RiskNetwork, batches, export_branch
from sem_plugins.training.sets import risk
from sem_plugins.weights import SHIPPED, load_manifest
from tests.sem_plugins.tiny_sets import comment, dialogue, support, write_sets

pytestmark = [pytest.mark.train, pytest.mark.usefixtures("one_thread")]

DAILY = [
    f"The {thing} is {state}." for thing in ("bus", "soup", "cat", "radio") for state in ("late", "cold", "back")
]


@pytest.fixture
def few_statements(monkeypatch: pytest.MonkeyPatch) -> None:
    """Some eighty statements of each part are read, not thousands."""
    every = {part: risk.statements(part)[:: 120 if part == "train" else 10] for part in ("train", "valid")}
    monkeypatch.setattr(risk, "statements", every.__getitem__)


@pytest.fixture
def sets(tmp_path: Path) -> Path:
    rows = {
        "goemotions/train.jsonl": [comment(text, "neutral") for text in DAILY],
        "empathetic_dialogues/train.jsonl": [dialogue(text, text, "Oh.") for text in DAILY],
        "esconv/train.jsonl": [support(f"talk {n}", text, ("Is it?", "Question")) for n, text in enumerate(DAILY)],
    }
    rows |= {name.replace("train", "valid"): [] for name in rows}  # a loader that reads both
    return write_sets(tmp_path / "sets", rows)


@pytest.mark.usefixtures("few_statements")
def test_that_the_branch_loads_and_tells_danger_from_daily_life(sets: Path, tmp_path: Path):
    told: list[str] = []
    out, manifest = tmp_path / "out", load_manifest()

    file, figures = learn(sets, out, manifest, plan=Plan(epochs=2), say=told.append)

    assert {"explicit_recall", "veiled_recall", "everyday_alarms"} <= figures.keys()
    assert figures["everyday_alarms"].value <= 3 / 12  # the likeliest one; eight bits may add another
    assert [line.partition(":")[0] for line in told] == ["epoch 1 of 2", "epoch 2 of 2"]
    assert json.loads(file.read_text("utf-8"))["card"]["figures"]["everyday_alarms"] == pytest.approx(
        figures["everyday_alarms"].value, abs=1e-4
    )
    branch = load_branch(manifest, folder=out)
    assert branch is not None
    likely = [branch.probabilities(encoder_for().window(text))[0, 1] for text in ("I want to die.", DAILY[0])]
    assert likely[0] > likely[1]


def test_that_some_statements_are_learned_from_between_everyday_messages_too():
    said = [(example.text, example.targets["risk"]) for example in risk.statements("train")[:60]]
    steps = dict(said)
    mixed = between(said, DAILY, share=0.5, most=3, seed=13)
    assert len(mixed) == 30
    beside = set()
    for whole, wanted in mixed:
        text = max((one for one in steps if one in whole), key=len)
        rest = [part.strip() for part in whole.replace(text, "").split(".") if part.strip()]
        assert all(f"{part}." in DAILY for part in rest)
        beside.add(len(rest))
        # Of distress that the statement does not show nobody knows: the others may tell of it.
        known = ~np.isnan(wanted)
        assert (wanted[known] == steps[text][known]).all()
        assert set(np.flatnonzero(~known)) == {step for step in (0, 4) if not steps[text][step]}
    assert beside == {1, 2, 3}
    assert mixed[0][0] == between(said, DAILY, share=0.5, most=3, seed=13)[0][0]
    assert between(said, DAILY, share=0.5, most=0, seed=13) == []


def test_that_everyday_messages_stand_beside_each_other_too_so_that_length_tells_nothing():
    together = beside_each_other(DAILY, share=1, most=2, seed=13)
    assert len(together) == len(DAILY)
    assert {sum(one in whole for one in DAILY) for whole in together} == {2, 3}
    assert beside_each_other(DAILY, share=1, most=0, seed=13) == []


@pytest.mark.usefixtures("few_statements")
def test_that_a_run_that_was_killed_ends_where_it_would_have_ended(
    sets: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    fewer = {"train": risk.statements("train")[::4], "valid": risk.statements("valid")}
    monkeypatch.setattr(risk, "statements", fewer.__getitem__)

    class KilledError(Exception):
        pass

    def killed(said: str) -> None:
        if said.startswith("epoch 1"):
            raise KilledError

    plan, manifest = Plan(epochs=2, everyday=12), load_manifest()
    learn(sets, tmp_path / "whole", manifest, plan=plan, say=lambda _: None)
    with pytest.raises(KilledError):
        learn(sets, tmp_path / "broken", manifest, plan=plan, say=killed)
    told: list[str] = []
    learn(sets, tmp_path / "broken", manifest, plan=plan, say=told.append)
    assert [line.partition(":")[0] for line in told] == ["epoch 2 of 2"]
    hashes = {hashlib.sha256((tmp_path / run / NETWORK).read_bytes()).digest() for run in ("whole", "broken")}
    assert len(hashes) == 1


@pytest.mark.usefixtures("few_statements")
def test_that_phrases_are_learned_beside_a_network_that_is_there(sets: Path, tmp_path: Path):
    network = SHIPPED / NETWORK

    file, figures = learn(sets, tmp_path / "out", load_manifest(), network=network, say=lambda _: None)

    assert (tmp_path / "out" / NETWORK).read_bytes() == network.read_bytes()
    assert figures["explicit_recall"].value > 0.5
    assert load_branch(load_manifest(), folder=file.parent) is not None


def test_that_the_export_in_eight_bits_says_what_the_network_says(tmp_path: Path):
    network = RiskNetwork(SHIPPED / load_manifest().model).eval()
    path = tmp_path / "branch.onnx"
    export_branch(network, path)
    encoder = Encoder(load_manifest(), threads=1, inner=(LOWER,))
    states = [encoder.read_turn(a_turn(text)).outputs[LOWER].astype(np.float16) for text in DAILY[:4]]
    session = open_session(path, 1)
    short = [session.run(["risk"], {"states": one[None].astype(np.float32)})[0][0] for one in states]
    assert np.abs(np.array(short) - network.logits(states)).max() < 0.1


def test_that_batches_hold_every_message_once():
    states = [np.zeros((length, 4), np.float16) for length in np.random.default_rng(1).integers(3, 160, 500)]
    made = batches(states, generator=np.random.default_rng(2))
    assert sorted(row for batch in made for row in batch) == list(range(500))
    assert all(len(batch) * max(len(states[row]) for row in batch) <= 1600 for batch in made)


def test_that_a_missing_data_set_is_named(tmp_path: Path):
    with pytest.raises(DataError, match="goemotions"):
        learn(tmp_path, tmp_path / "out", load_manifest())
