# ruff: noqa: E402 - modules of the `train` extra are imported where it is there
from __future__ import annotations

import dataclasses
import random
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="training needs the `train` extra")
pytest.importorskip("transformers", reason="training needs the `train` extra")

from torch import Tensor

from agent.errors import DataError
from agent.turn import Message
from sem_plugins.training import loop
from sem_plugins.training.batches import Stream, padded
from sem_plugins.training.examples import Example, alone
from sem_plugins.training.heads import HEADS
from sem_plugins.training.loop import Recipe, schedule, train
from sem_plugins.training.network import ForkedEncoder
from tests.sem_plugins.tiny_bert import LOUD, QUIET, WARM, tiny_base, tiny_maker

pytestmark = [pytest.mark.train, pytest.mark.usefixtures("one_thread")]

# No dropout: its random numbers are the one thing that a checkpoint does not hold.
RECIPE = Recipe(epochs=3, encoder_rate=3e-3, head_rate=2e-2, averaging=0.9, dropout=0.0, head_dropout=0.0)
STEPS = 3 * (8 + 6)  # epochs of so many batches of both streams
MAKER = tiny_maker()


def sentences(epoch: int, *, rows: int = 128) -> list[Example]:
    """Three emotions that share no word."""
    rng = random.Random(epoch)
    return [
        alone(" ".join(rng.choices((WARM, LOUD, QUIET)[row % 3], k=rng.randint(1, 6))), emotion=row % 3)
        for row in range(rows)
    ]


def talks(epoch: int, *, rows: int = 48) -> list[Example]:
    """Dialogues in which whatever the seeker says is a cause, if it is loud."""
    rng = random.Random(epoch)
    made = []
    for row in range(rows):
        messages = tuple(
            Message(role, " ".join(rng.choices((LOUD, QUIET)[row % 2], k=3)))
            for role in ("seeker", "supporter", "seeker")[rng.randint(0, 1) :]
        )
        causes = np.array([float(row % 2 == 0 and message.role == "seeker") for message in messages])
        made.append(Example(messages, {"cause": causes}))
    return made


EMOTION = Stream("emotion", ("emotion",), sentences, batch=16)
CAUSE = Stream("cause", ("cause",), talks, batch=8)


class Killed(Exception):  # noqa: N818 - no error of anybody
    """The process ends here."""


class Watched(ForkedEncoder):
    """Keeps what it was shown, and dies after so many steps."""

    steps_left = STEPS

    def forward(self, ids: Tensor, types: Tensor, mask: Tensor, heads: Sequence[str]) -> dict[str, Tensor]:
        if self.steps_left == 0:
            raise Killed
        self.steps_left -= 1
        self.__dict__.setdefault("shown", []).append((tuple(heads), ids.tolist()))
        return super().forward(ids, types, mask, heads)


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_base(tmp_path_factory.mktemp("base"))


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    return tmp_path / "run" / "checkpoint.pt"


@pytest.fixture(scope="module")
def whole(base: Path, tmp_path_factory: pytest.TempPathFactory, one_thread: None) -> Watched:
    """A run that nobody disturbed."""
    return trained(fresh(base), tmp_path_factory.mktemp("whole") / "checkpoint.pt")


@pytest.fixture(scope="module")
def learnt(base: Path, tmp_path_factory: pytest.TempPathFactory, one_thread: None) -> Watched:
    """A run that is long enough to learn something."""
    checkpoint = tmp_path_factory.mktemp("learnt") / "checkpoint.pt"
    return trained(fresh(base, steps=-1), checkpoint, recipe=dataclasses.replace(RECIPE, epochs=9))


def fresh(base: Path, *, steps: int = STEPS) -> Watched:
    torch.manual_seed(7)
    heads = [HEADS["emotion"], HEADS["cause"]]
    network = Watched(base, heads, fork=1, dropout=0.0, head_dropout=0.0)
    network.steps_left = steps
    return network


def trained(
    network: ForkedEncoder,
    checkpoint: Path,
    *,
    streams: Sequence[Stream] = (EMOTION, CAUSE),
    recipe: Recipe = RECIPE,
    **options: Any,
) -> Any:
    return train(network, streams, MAKER, recipe, checkpoint=checkpoint, progress=False, **options)


def read(network: ForkedEncoder, examples: Sequence[Example], head: str) -> Tensor:
    network.steps_left = -1
    with torch.no_grad():
        return network(*padded([example.window(MAKER) for example in examples]), [head])[head]


def same_weights(one: ForkedEncoder, other: ForkedEncoder) -> bool:
    ours, theirs = one.state_dict(), other.state_dict()
    return ours.keys() == theirs.keys() and all(torch.equal(ours[name], theirs[name]) for name in ours)


# What is learnt


def test_that_a_head_of_one_choice_learns_to_tell_new_sentences_apart(learnt: Watched):
    new = sentences(99)
    right = read(learnt, new, "emotion").argmax(dim=1) == torch.tensor([e.targets["emotion"] for e in new])
    assert right.float().mean() > 0.95


def test_that_a_head_of_marks_learns_which_utterances_are_causes(learnt: Watched):
    new = talks(99)
    windows = [example.window(MAKER) for example in new]
    said = read(learnt, new, "cause")[..., 0] > 0
    right = [
        bool(said[row, place]) == bool(new[row].targets["cause"][utterance])
        for row, window in enumerate(windows)
        for utterance, place in window.marks.items()
    ]
    assert np.mean(right) > 0.9


def test_that_training_leaves_the_smallest_numbers_to_the_process(whole: Watched):
    assert sys.float_info.min * whole_number(1) / 4 > 0


def whole_number(number: int) -> int:
    """Not known to the compiler, which would divide while it compiles."""
    return number


def test_that_a_trained_network_is_ready_to_read(whole: Watched):
    assert not whole.training


def test_that_the_same_recipe_gives_the_same_weights_to_the_bit(base: Path, whole: Watched, checkpoint: Path):
    assert same_weights(trained(fresh(base), checkpoint), whole)


def test_that_word_vectors_stay_and_everything_else_that_was_used_moves(base: Path, whole: Watched):
    before, after = fresh(base).state_dict(), whole.state_dict()
    kept = {name for name in before if torch.equal(before[name], after[name])}
    assert {name for name in kept if "position_ids" not in name and "token_type_ids" not in name} == {
        "embeddings.word_embeddings.weight"
    }


def test_that_the_averaged_weights_are_what_is_kept(base: Path, checkpoint: Path):
    network = trained(fresh(base), checkpoint)
    saved = torch.load(checkpoint, weights_only=True)
    kept = [parameter for parameter in network.parameters() if parameter.requires_grad]
    assert all(torch.equal(one, mean) for one, mean in zip(kept, saved["average"], strict=True))
    last = [saved["network"][name] for name, value in network.named_parameters() if value.requires_grad]
    assert not any(torch.equal(one, newest) for one, newest in zip(kept, last, strict=True) if one.ndim > 1)


def test_that_an_average_follows_the_weights_from_the_first_step_on(base: Path, checkpoint: Path):
    recipe = dataclasses.replace(RECIPE, epochs=1, averaging=0.999)
    started, network = fresh(base), trained(fresh(base), checkpoint, recipe=recipe)
    newest = torch.load(checkpoint, weights_only=True)["network"]["heads.emotion.1.weight"]
    moved = (network.heads["emotion"][1].weight - started.heads["emotion"][1].weight).norm()
    # With the final decay from the start, 14 steps would have moved the average by 1%.
    assert moved > 0.2 * (newest - started.heads["emotion"][1].weight).norm()


def test_that_a_stream_without_weight_teaches_nothing(base: Path, checkpoint: Path):
    recipe = dataclasses.replace(RECIPE, epochs=1, weight_decay=0.0)
    silent = Stream("emotion", ("emotion",), sentences, batch=16, weight=0.0)
    assert same_weights(trained(fresh(base), checkpoint, streams=[silent], recipe=recipe), fresh(base))


def test_that_class_weights_reach_the_loss_of_their_head(
    base: Path, checkpoint: Path, monkeypatch: pytest.MonkeyPatch
):
    given: dict[str, Tensor | None] = {}

    def watched(name: str, *tensors: Tensor, class_weights: Tensor | None) -> Tensor:
        given[name] = class_weights
        return plain(name, *tensors, class_weights=class_weights)

    plain = loop.loss_of
    monkeypatch.setattr(loop, "loss_of", watched)
    weights = torch.ones(32)
    recipe = dataclasses.replace(RECIPE, epochs=1)
    trained(fresh(base), checkpoint, recipe=recipe, class_weights={"emotion": weights})
    assert given["cause"] is None
    assert given["emotion"] is not None
    assert torch.equal(given["emotion"], weights)


def test_that_a_stream_without_examples_is_named(base: Path, checkpoint: Path):
    empty = Stream("silence", ("emotion",), lambda _: [])
    with pytest.raises(DataError, match="`silence` has no training examples"):
        trained(fresh(base), checkpoint, streams=[EMOTION, empty])


# Stopping and going on


@pytest.mark.parametrize("steps", [1, 13, 14, 15, 37])
def test_that_a_killed_run_goes_on_with_the_same_batches_as_if_nothing_had_happened(
    base: Path, whole: Watched, checkpoint: Path, steps: int
):
    killed = fresh(base, steps=steps)
    with pytest.raises(Killed):
        trained(killed, checkpoint, save_every=-1.0)
    resumed = trained(fresh(base, steps=STEPS - steps), checkpoint)  # not one step is done again
    undisturbed = whole.__dict__["shown"][:STEPS]
    assert killed.__dict__["shown"] + resumed.__dict__["shown"] == undisturbed
    assert same_weights(resumed, whole)


def test_that_a_kill_between_checkpoints_costs_only_the_steps_since(base: Path, whole: Watched, checkpoint: Path):
    with pytest.raises(Killed):
        trained(fresh(base, steps=10), checkpoint, save_every=3600.0)
    assert not checkpoint.exists()
    assert same_weights(trained(fresh(base), checkpoint), whole)


def test_that_a_finished_run_is_not_trained_further(base: Path, whole: Watched, checkpoint: Path):
    trained(fresh(base), checkpoint)
    assert torch.load(checkpoint, weights_only=True)["step"] == STEPS
    assert same_weights(trained(fresh(base, steps=0), checkpoint), whole)


def test_that_a_checkpoint_replaces_the_one_before_and_leaves_nothing_beside_it(base: Path, checkpoint: Path):
    trained(fresh(base), checkpoint, save_every=-1.0)
    assert [path.name for path in checkpoint.parent.iterdir()] == ["checkpoint.pt"]


def test_that_a_kill_while_a_checkpoint_is_written_leaves_the_one_before(
    base: Path, whole: Watched, checkpoint: Path, monkeypatch: pytest.MonkeyPatch
):
    with pytest.raises(Killed):
        trained(fresh(base, steps=9), checkpoint, save_every=-1.0)

    def torn(state: Mapping[str, Any], path: Path) -> None:
        path.write_bytes(b"half of a check")
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(torch, "save", torn)
        with pytest.raises(Killed):
            trained(fresh(base), checkpoint, save_every=-1.0)
    assert torch.load(checkpoint, weights_only=True)["step"] == 9
    assert same_weights(trained(fresh(base, steps=STEPS - 9), checkpoint), whole)


# The learning rate


@pytest.mark.parametrize(("total", "warmup", "ramp"), [(100, 0.1, 10), (1000, 0.06, 60), (7, 0.5, 3), (5, 0.0, 1)])
def test_that_the_rate_climbs_to_its_peak_and_then_falls_to_nothing(total: int, warmup: float, ramp: int):
    factors = [schedule(step, total, warmup) for step in range(total)]
    assert factors[0] == pytest.approx(1 / ramp)
    assert factors[ramp - 1] == 1
    assert factors[:ramp] == sorted(factors[:ramp])
    assert factors[ramp - 1 :] == sorted(factors[ramp - 1 :], reverse=True)
    assert factors[-1] == pytest.approx(1 / (total - ramp))
    assert schedule(total, total, warmup) == 0
