# ruff: noqa: E402 - modules of the `train` extra are imported where it is there
from __future__ import annotations

import dataclasses
import math
import random
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="training needs the `train` extra")
pytest.importorskip("transformers", reason="training needs the `train` extra")

from agent.errors import DataError
from sem_plugins.training.examples import Example
from sem_plugins.training.loop import Batch, Recipe, Task, epoch_batches, loss_of, schedule, train
from sem_plugins.training.network import SharedEncoder, parameter_groups
from tests.sem_plugins.tiny_bert import LOUD, QUIET, WARM, tiny_base, tiny_tokenizer

pytestmark = [pytest.mark.train, pytest.mark.usefixtures("one_thread")]

HEADS = {"place": 3, "sound": 2}
# No dropout: its random numbers are the one thing that a checkpoint does not hold.
RECIPE = Recipe(epochs=8, batch=8, encoder_rate=3e-3, head_rate=2e-2, max_tokens=16, dropout=0.0, head_dropout=0.0)
STEPS = 8 * (8 + 4)  # epochs of so many batches of both tasks


def sentences(epoch: int, *, rows: int = 60) -> list[Example]:
    """Three classes that share no word."""
    rng = random.Random(epoch)
    kinds = (WARM, LOUD, QUIET)
    return [
        Example(" ".join(rng.choices(kinds[row % 3], k=rng.randint(1, 6))) + ".", (row % 3,))
        for row in range(rows)
    ]


def sounds(epoch: int) -> list[Example]:
    """Two labels, of which none, one or both may hold."""
    held = ((), (0,), (1,), (0, 1))
    words = (WARM[:4], LOUD, QUIET, (*LOUD[:2], *QUIET[:2]))
    return [Example(" ".join(words[row % 4]), held[row % 4]) for row in range(30)]


PLACE = Task("place", 3, exclusive=True, examples=sentences)
SOUND = Task("sound", 2, exclusive=False, examples=sounds)


class Killed(Exception):  # noqa: N818 - no error of anybody
    """The process ends here."""


class Fragile(SharedEncoder):
    """Dies at the given step."""

    steps_left = 10

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor, head: str) -> torch.Tensor:
        if self.steps_left == 0:
            raise Killed
        self.steps_left -= 1
        return super().forward(input_ids, attention_mask, head)


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_base(tmp_path_factory.mktemp("base"))


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    return tmp_path / "run" / "checkpoint.pt"


def fresh(base: Path, *, kind: type[SharedEncoder] = SharedEncoder) -> SharedEncoder:
    torch.manual_seed(7)
    return kind(base, HEADS, dropout=0.0, head_dropout=0.0)


def trained(network: SharedEncoder, checkpoint: Path, *, tasks: Sequence[Task] = (PLACE, SOUND), **options: float):
    return train(network, tasks, tiny_tokenizer(), RECIPE, checkpoint=checkpoint, progress=False, **options)


def mean_loss(network: SharedEncoder, task: Task) -> float:
    """Over an epoch that training does not see."""
    with torch.no_grad():
        losses = [
            loss_of(network(batch.input_ids, batch.attention_mask, task.head), batch, RECIPE).item()
            for batch in epoch_batches([task], tiny_tokenizer(), RECIPE, 99)
        ]
    return sum(losses) / len(losses)


def same_weights(one: SharedEncoder, other: SharedEncoder) -> bool:
    ours, theirs = one.state_dict(), other.state_dict()
    return ours.keys() == theirs.keys() and all(torch.equal(ours[name], theirs[name]) for name in ours)


def test_that_the_loss_of_every_task_falls(base: Path, checkpoint: Path):
    before = {task.head: mean_loss(fresh(base).eval(), task) for task in (PLACE, SOUND)}
    network = trained(fresh(base), checkpoint)
    assert not network.training
    assert mean_loss(network, PLACE) < 0.5 * before["place"]
    assert mean_loss(network, SOUND) < 0.5 * before["sound"]


def test_that_a_trained_network_tells_the_classes_apart(base: Path, checkpoint: Path):
    network = trained(fresh(base), checkpoint)
    encoded = tiny_tokenizer().encode_batch(["sun beach", "siren bang", "moss pond"])
    ids = torch.tensor([row.ids for row in encoded])
    assert network(ids, torch.ones_like(ids), "place").argmax(dim=1).tolist() == [0, 1, 2]


def test_that_the_same_recipe_gives_the_same_weights_to_the_bit(base: Path, tmp_path: Path):
    one = trained(fresh(base), tmp_path / "one.pt")
    other = trained(fresh(base), tmp_path / "other.pt")
    assert same_weights(one, other)


@pytest.mark.parametrize("steps", [1, 5, 12, 13, 90])
def test_that_a_killed_run_goes_on_as_if_nothing_had_happened(
    base: Path, checkpoint: Path, tmp_path: Path, steps: int
):
    whole = trained(fresh(base), tmp_path / "whole.pt")
    killed = fresh(base, kind=Fragile)
    killed.steps_left = steps
    with pytest.raises(Killed):
        trained(killed, checkpoint, save_every=-1.0)
    resumed = fresh(base, kind=Fragile)
    resumed.steps_left = STEPS - steps  # not one step is done again
    assert same_weights(trained(resumed, checkpoint), whole)


def test_that_a_kill_between_checkpoints_costs_only_the_steps_since(base: Path, checkpoint: Path, tmp_path: Path):
    whole = trained(fresh(base), tmp_path / "whole.pt")
    killed = fresh(base, kind=Fragile)
    with pytest.raises(Killed):
        trained(killed, checkpoint, save_every=3600.0)
    assert not checkpoint.exists()
    assert same_weights(trained(fresh(base), checkpoint), whole)


def test_that_a_checkpoint_is_written_whole_or_not_at_all(base: Path, checkpoint: Path):
    trained(fresh(base), checkpoint, save_every=-1.0)
    assert [path.name for path in checkpoint.parent.iterdir()] == ["checkpoint.pt"]
    saved = torch.load(checkpoint, weights_only=True)
    assert saved["step"] == STEPS


def test_that_a_finished_run_is_not_trained_further(base: Path, checkpoint: Path):
    done = trained(fresh(base), checkpoint, save_every=-1.0)
    again = fresh(base, kind=Fragile)
    again.steps_left = 0
    assert same_weights(trained(again, checkpoint), done)


def test_that_word_vectors_stay_and_everything_else_moves(base: Path, checkpoint: Path):
    before = {name: value.clone() for name, value in fresh(base).state_dict().items()}
    after = trained(fresh(base), checkpoint).state_dict()
    kept = {name for name in before if torch.equal(before[name], after[name])}
    assert {name for name in kept if "position_ids" not in name and "token_type_ids" not in name} == {
        "encoder.embeddings.word_embeddings.weight"
    }


def test_that_every_example_is_seen_once_in_an_epoch_with_its_own_labels():
    tokenizer = tiny_tokenizer()
    for task in (PLACE, SOUND):
        expected = Counter(
            (tuple(tokenizer.encode(example.text).ids), example.labels) for example in task.examples(2)
        )
        seen: Counter[tuple[tuple[int, ...], tuple[int, ...]]] = Counter()
        for batch in epoch_batches([PLACE, SOUND], tokenizer, RECIPE, 2):
            if batch.task is not task:
                continue
            for ids, mask, target in zip(batch.input_ids, batch.attention_mask, batch.targets, strict=True):
                labels = (int(target),) if task.exclusive else tuple(target.nonzero().flatten().tolist())
                seen[tuple(ids[mask.bool()].tolist()), labels] += 1
        assert seen == expected


def test_that_batches_are_full_padded_no_more_than_needed_and_mixed():
    batches = epoch_batches([PLACE, SOUND], tiny_tokenizer(), RECIPE, 0)
    assert sorted(len(batch.input_ids) for batch in batches) == [4, 6, *[8] * 10]
    for batch in batches:
        assert batch.attention_mask.sum(dim=1).max() == batch.input_ids.shape[1]
        assert not batch.input_ids[batch.attention_mask == 0].any()
    assert [batch.task.head for batch in batches] != sorted(batch.task.head for batch in batches)


def test_that_the_order_depends_on_seed_and_epoch_alone():
    def order(seed: int, epoch: int) -> list[list[int]]:
        batches = epoch_batches([SOUND], tiny_tokenizer(), dataclasses.replace(RECIPE, seed=seed), epoch)
        return [batch.input_ids.flatten().tolist() for batch in batches]

    assert order(1, 0) == order(1, 0)
    assert order(1, 0) != order(1, 1)
    assert order(1, 0) != order(2, 0)


def test_that_a_task_without_examples_is_named():
    empty = Task("silence", 2, exclusive=True, examples=lambda _epoch: [])
    with pytest.raises(DataError, match="`silence` has no training examples"):
        epoch_batches([PLACE, empty], tiny_tokenizer(), RECIPE, 0)


@pytest.mark.parametrize(("total", "warmup", "ramp"), [(100, 0.1, 10), (1000, 0.06, 60), (7, 0.5, 3), (5, 0.0, 1)])
def test_that_the_rate_climbs_to_its_peak_and_then_falls_to_nothing(total: int, warmup: float, ramp: int):
    factors = [schedule(step, total, warmup) for step in range(total)]
    assert factors[0] == pytest.approx(1 / ramp)
    assert factors[ramp - 1] == 1
    assert factors[:ramp] == sorted(factors[:ramp])
    assert factors[ramp - 1 :] == sorted(factors[ramp - 1 :], reverse=True)
    assert factors[-1] == pytest.approx(1 / (total - ramp))
    assert schedule(total, total, warmup) == 0


def a_batch(task: Task, targets: torch.Tensor) -> Batch:
    ids = torch.zeros(len(targets), 3, dtype=torch.long)
    return Batch(task, ids, torch.ones_like(ids), targets)


def test_that_losses_are_those_worked_out_by_hand():
    plain = dataclasses.replace(RECIPE, label_smoothing=0.0)
    exclusive = a_batch(PLACE, torch.tensor([0, 2]))
    assert loss_of(torch.zeros(2, 3), exclusive, plain).item() == pytest.approx(math.log(3))
    several = a_batch(SOUND, torch.tensor([[1.0, 0.0], [0.0, 0.0]]))
    # summed over labels, the mean over rows
    assert loss_of(torch.zeros(2, 2), several, plain).item() == pytest.approx(2 * math.log(2))
    heavy = dataclasses.replace(SOUND, weight=3.0)
    assert loss_of(torch.zeros(2, 2), a_batch(heavy, several.targets), plain).item() == pytest.approx(
        6 * math.log(2)
    )


def test_that_smoothing_punishes_certainty():
    sure = torch.tensor([[20.0, 0.0, 0.0]])
    batch = a_batch(PLACE, torch.tensor([0]))
    assert loss_of(sure, batch, dataclasses.replace(RECIPE, label_smoothing=0.0)).item() < 1e-6
    assert loss_of(sure, batch, RECIPE).item() == pytest.approx(0.1 * 20 * 2 / 3)


def test_that_heads_learn_faster_and_norms_and_biases_do_not_decay(base: Path):
    network = fresh(base)
    network.freeze_word_embeddings()
    groups = parameter_groups(network, encoder_rate=1e-4, head_rate=1e-3, decay=0.01)
    rates = {(group["lr"], group["weight_decay"]) for group in groups}
    assert rates == {(1e-4, 0.01), (1e-4, 0.0), (1e-3, 0.01), (1e-3, 0.0)}
    for group in groups:
        for parameter in group["params"]:
            assert (parameter.ndim > 1) == (group["weight_decay"] > 0)
    counted = sum(len(group["params"]) for group in groups)
    assert counted == sum(parameter.requires_grad for parameter in network.parameters())


def test_that_padding_does_not_change_what_is_read(base: Path):
    network = fresh(base).eval()
    ids = torch.tensor([tiny_tokenizer().encode("sun and snow.").ids])
    padded = torch.nn.functional.pad(ids, (0, 9))
    plain = network.pool(ids, torch.ones_like(ids))
    assert torch.allclose(network.pool(padded, (padded != 0).long()), plain, atol=1e-5)
