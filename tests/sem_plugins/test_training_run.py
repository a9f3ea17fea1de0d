# ruff: noqa: E402 - modules of the `train` extra are imported where it is there
from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="training needs the `train` extra")
pytest.importorskip("onnx", reason="exporting needs the `train` extra")
pytest.importorskip("sklearn", reason="the card is written where the floors are measured: with the `train` extra")

from torch import Tensor

from agent.errors import DataError, SettingsError, WeightsError
from agent.turn import Message
from sem_plugins.encoder import Encoder
from sem_plugins.labels import OF_HEADS
from sem_plugins.training import base, run
from sem_plugins.training.batches import Stream
from sem_plugins.training.heads import HEADS
from sem_plugins.training.loop import Recipe
from sem_plugins.training.network import ForkedEncoder
from sem_plugins.training.sets.records import sha256_of
from sem_plugins.training.streams import FIRST
from sem_plugins.weights import MODEL, TOKENIZER, Manifest, load_manifest
from tests.sem_plugins.tiny_bert import tiny_base
from tests.sem_plugins.tiny_sets import ROWS, write_sets

pytestmark = [pytest.mark.train, pytest.mark.usefixtures("one_thread")]

RECIPE = Recipe(epochs=2, max_tokens=96)


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory, one_thread: None) -> Iterator[tuple[Path, Path]]:
    """Data sets, and a base encoder that counts as the published one."""
    root = tmp_path_factory.mktemp("run")
    encoder = tiny_base(root / "base", layers=6)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(base, "BASE_SHA256", sha256_of(encoder / "model.safetensors"))
        yield write_sets(root / "data"), encoder


@dataclass
class Done:
    """What a run on tiny data left."""

    out: Path
    manifest: Manifest
    said: list[str]


@pytest.fixture(scope="module")
def done(folders: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory) -> Done:
    """A run of one task, up to the card: its figures need more data."""
    data, encoder = folders
    out, said = tmp_path_factory.mktemp("out"), []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(run, "figures_of", lambda *_, heads: {f"about {' '.join(sorted(heads))}": {}})
        manifest = run.run(data, out, base=encoder, recipe=RECIPE, only=("emotion",), say=said.append)
        # Once more: what is trained already is not trained again.
        model = sha256_of(out / "weights" / MODEL)
        run.run(data, out, base=encoder, recipe=RECIPE, only=("emotion",), say=said.append)
        assert sha256_of(out / "weights" / MODEL) == model
    return Done(out, manifest, said)


def test_that_a_run_leaves_a_model_a_tokenizer_and_a_manifest_that_names_their_hashes(done: Done):
    weights = done.out / "weights"
    assert {path.name for path in weights.iterdir()} == {MODEL, TOKENIZER, "manifest.json"}
    assert dict(load_manifest(weights).sha256) == {name: sha256_of(weights / name) for name in (MODEL, TOKENIZER)}
    assert done.manifest.max_tokens == 96


def test_that_what_a_run_leaves_can_be_read_with(done: Done):
    encoder = Encoder(done.manifest, threads=1)
    encoded = encoder.read(
        (Message("seeker", "The sun."), Message("supporter", "Yes?"), Message("seeker", "Snow."))
    )
    assert list(encoded.outputs) == list(OF_HEADS)
    assert all(np.isfinite(output).all() for output in encoded.outputs.values())


def test_that_the_manifest_is_calibrated_on_the_valid_parts(done: Done):
    heads = done.manifest.heads
    assert {name: head.label_set for name, head in heads.items()} == dict(OF_HEADS)
    assert all(head.kind == HEADS[name].kind for name, head in heads.items())
    assert heads["emotion"].smoothing == 0.1
    assert heads["emotion"].conformal is not None
    assert heads["emotion"].conformal.n == len(ROWS["empathetic_dialogues/valid.jsonl"])
    assert heads["strategy"].offsets == ()  # of what was not trained nothing is calibrated
    assert heads["risk"].thresholds == (0.5,) * 8
    assert list(done.manifest.card["scores"]) == ["about emotion"]


def test_that_a_run_says_what_it_does(done: Done):
    assert done.said[0] == "one stage: emotion"
    assert done.said[-1] == "exported; measuring what is read by emotion"


def test_that_a_network_that_is_shipped_is_measured_in_floats_and_in_eight_bits(
    folders: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    data, encoder = folders
    sizes: list[int] = []
    cards: list[Any] = []

    def sized(_: Any, manifest: Manifest) -> dict[str, Any]:
        sizes.append((manifest.folder / MODEL).stat().st_size)
        return {"in floats": {}}

    monkeypatch.setattr(run, "figures_of", sized)
    monkeypatch.setattr(run, "write_card", lambda folder, _, **given: cards.append((folder / MODEL, given)))
    network = ForkedEncoder(encoder).eval()
    run.ship(network, data, tmp_path / "weights", tokenizer=encoder / TOKENIZER, recipe=RECIPE, say=lambda _: None)
    [(shipped, given)] = cards
    assert given["in_floats"] == {"in floats": {}}
    assert shipped == tmp_path / "weights" / MODEL
    assert sizes[0] > shipped.stat().st_size


def test_that_a_run_keeps_a_checkpoint(done: Done):
    saved = torch.load(done.out / "checkpoint.pt", weights_only=True)
    assert saved["step"] > 0


# What `only` and the folders may be


def test_that_a_stream_that_does_not_exist_is_named_with_those_that_do(folders: tuple[Path, Path], tmp_path: Path):
    data, encoder = folders
    with pytest.raises(
        SettingsError, match=r"No stream is called mood\. Streams: emotion, .*risk, .*empathy, developers, .*\."
    ):
        run.run(data, tmp_path, base=encoder, only=("emotion", "mood"))


def test_that_a_missing_data_set_stops_a_run_before_it_begins(folders: tuple[Path, Path], tmp_path: Path):
    _, encoder = folders
    with pytest.raises(DataError, match=r"No file 'train\.jsonl'"):
        run.run(tmp_path / "nowhere", tmp_path / "out", base=encoder)
    assert not (tmp_path / "out" / "checkpoint.pt").exists()


def test_that_another_base_encoder_stops_a_run_before_it_begins(folders: tuple[Path, Path], tmp_path: Path):
    data, _ = folders
    with pytest.raises(WeightsError, match="it is not sentence-transformers/all-MiniLM-L6-v2"):
        run.run(data, tmp_path, base=tiny_base(tmp_path / "other", seed=2, layers=6))


# Three stages


@dataclass
class Stage:
    """One call of `train`, with the weights before and after."""

    before: Mapping[str, Tensor]
    after: Mapping[str, Tensor]
    streams: Sequence[Stream]
    recipe: Recipe
    checkpoint: Path
    class_weights: Mapping[str, Tensor]


@dataclass
class Stages:
    """What a run of everything did."""

    first: Stage
    second: Stage
    third: Stage
    out: Path
    shipped: Mapping[str, Tensor]


def weights_of(network: ForkedEncoder) -> dict[str, Tensor]:
    return {name: value.clone() for name, value in network.state_dict().items()}


@pytest.fixture(scope="module")
def stages(folders: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory) -> Stages:
    """A run of everything, with a training that adds a little to every weight."""
    data, encoder = folders
    out = tmp_path_factory.mktemp("stages")
    found: list[Stage] = []
    shipped: list[dict[str, Tensor]] = []

    def train(
        network: ForkedEncoder,
        streams: Sequence[Stream],
        _: Any,
        recipe: Recipe,
        *,
        checkpoint: Path,
        class_weights: Mapping[str, Tensor] | None = None,
    ) -> ForkedEncoder:
        before = weights_of(network)
        with torch.no_grad():
            for parameter in network.parameters():
                parameter.add_(0.01 * torch.randn_like(parameter))
        found.append(Stage(before, weights_of(network), streams, recipe, checkpoint, class_weights or {}))
        return network.eval()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(run, "train", train)
        patch.setattr(run, "ship", lambda network, *_, **__: shipped.append(weights_of(network)))
        run.run(data, out, base=encoder, recipe=RECIPE, say=lambda _: None)
    first, second, third = found
    return Stages(first, second, third, out, shipped[0])


def test_that_the_first_stage_trains_the_two_largest_sets(stages: Stages):
    assert tuple(stream.name for stream in stages.first.streams) == FIRST == ("emotion", "expression")
    assert stages.first.recipe.max_tokens == RECIPE.max_tokens


@pytest.mark.parametrize("stage", ["second", "third"])
def test_that_the_later_stages_train_every_head_by_the_recipe_that_was_asked_for(stages: Stages, stage: str):
    found: Stage = getattr(stages, stage)
    assert {head for stream in found.streams for head in stream.heads} == set(HEADS)
    assert found.recipe == RECIPE
    assert found.class_weights["strategy"].shape == (8,)


def test_that_the_third_stage_starts_where_the_second_one_ended(stages: Stages):
    assert all(torch.equal(stages.third.before[name], value) for name, value in stages.second.after.items())


def test_that_the_third_stage_is_taught_the_next_strategy_too(stages: Stages):
    def first_target(stage: Stage) -> Any:
        stream = next(one for one in stage.streams if one.name == "strategy")
        return stream.examples(0)[0].targets["strategy"]

    assert isinstance(first_target(stages.second), int)
    assert first_target(stages.third).shape == (8,)


def test_that_each_stage_has_a_checkpoint_of_its_own(stages: Stages):
    assert stages.first.checkpoint == stages.out / "first" / "checkpoint.pt"
    assert stages.second.checkpoint == stages.out / "second" / "checkpoint.pt"
    assert stages.third.checkpoint == stages.out / "checkpoint.pt"


def test_that_the_second_stage_starts_where_the_first_one_ended_with_both_branches_alike(stages: Stages):
    before, after = stages.second.before, stages.first.after
    for name, value in after.items():
        if not name.startswith("branches.dialogue."):
            assert torch.equal(before[name], value), name
    branch = {name: value for name, value in after.items() if name.startswith("branches.message.")}
    assert branch
    assert all(torch.equal(before[name.replace("message", "dialogue")], value) for name, value in branch.items())


def test_that_the_first_network_teaches_in_the_second_stage(stages: Stages):
    first, second = (
        next(one for one in stage.streams if one.name == "emotion") for stage in (stages.first, stages.second)
    )
    assert all(isinstance(example.targets["emotion"], int) for example in first.examples(0))
    taught = [example.targets["emotion"] for example in second.examples(0)]
    assert taught
    assert all(target.shape == (32,) and target.sum() == pytest.approx(1) for target in taught)


def test_that_what_the_third_stage_trained_is_kept_and_shipped(stages: Stages):
    kept = torch.load(stages.out / "network.pt", weights_only=True)
    for name, value in stages.third.after.items():
        assert torch.equal(stages.shipped[name], value)
        assert torch.equal(kept[name], value)
