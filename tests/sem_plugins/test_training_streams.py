# ruff: noqa: E402 - modules of the `train` extra are imported where it is there
"""What an epoch holds, and what an earlier network teaches."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="training needs the `train` extra")
pytest.importorskip("transformers", reason="training needs the `train` extra")

from agent.errors import DataError
from sem_plugins.labels import EMPATHETIC_DIALOGUES, ESCONV
from sem_plugins.training import teacher
from sem_plugins.training.batches import Stream, epoch_batches
from sem_plugins.training.examples import Example, alone
from sem_plugins.training.heads import HEADS
from sem_plugins.training.network import ForkedEncoder
from sem_plugins.training.sets import goemotions, risk
from sem_plugins.training.streams import class_weights, streams
from sem_plugins.training.teacher import NetworkTeacher
from tests.sem_plugins.tiny_bert import LOUD, QUIET, WARM, tiny_base, tiny_maker
from tests.sem_plugins.tiny_sets import ROWS, dialogue, pair, support, write_sets

pytestmark = [pytest.mark.train, pytest.mark.usefixtures("one_thread")]


@pytest.fixture(scope="module", autouse=True)
def few_statements() -> Iterator[None]:
    """One statement of risk in ten, read once and not for each stream."""
    with pytest.MonkeyPatch.context() as patch:
        few = risk.statements("train")[::10]
        patch.setattr(risk, "statements", {"train": few}.__getitem__)
        yield


DIALOGUES = [dialogue(f"On day {n}.", f"It rained on day {n}.", "And then?", "It stopped.") for n in range(30)]
SURE = 4
"""The label that the teacher of these tests gives to everything."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    sentences = [row | {"id": str(n)} for n in range(10) for row in ROWS["emobank/train.jsonl"]]
    more = {"empathetic_dialogues/train.jsonl": DIALOGUES, "emobank/train.jsonl": sentences}
    return write_sets(tmp_path_factory.mktemp("data"), {**ROWS, **more})


def sure_teacher(examples: Sequence[Example], head: str) -> np.ndarray[Any, Any]:
    return np.tile(np.eye(HEADS[head].size)[SURE], (len(examples), 1))


TAUGHT = {"teachers": dict.fromkeys(("emotion", "expression", "strategy"), sure_teacher)}


def named(folder: Path, name: str, **options: Any) -> Stream:
    (stream,) = [one for one in streams(folder, **({"seed": 13} | options)) if one.name == name]
    return stream


def epoch(folder: Path, name: str, **options: Any) -> list[Example]:
    """The first epoch of a stream."""
    return list(named(folder, name, **options).examples(0))


def spelt(examples: Sequence[Example]) -> list[tuple[Any, ...]]:
    return [(example.messages, str(dict(example.targets))) for example in examples]


# Streams


def test_that_every_head_learns_from_some_stream(folder: Path):
    assert {head for stream in streams(folder, seed=13) for head in stream.heads} == set(HEADS)


def test_that_every_example_has_a_target_for_each_head_of_its_stream(folder: Path):
    batches = epoch_batches(streams(folder, seed=13), tiny_maker(160), seed=13, epoch=0)
    assert {batch.stream.name for batch in batches} == {stream.name for stream in streams(folder, seed=13)}
    assert all(set(batch.targets) == set(batch.stream.heads) for batch in batches)


def test_that_a_missing_set_is_named_before_anything_is_trained(tmp_path: Path):
    write_sets(tmp_path, {name: rows for name, rows in ROWS.items() if "epitome" not in name})
    with pytest.raises(DataError, match="epitome"):
        streams(tmp_path, seed=13)


@pytest.mark.parametrize("taught", [False, True])
@pytest.mark.parametrize("name", ["emotion", "expression", "affect", "risk"])
def test_that_what_an_epoch_holds_depends_on_its_number_and_the_seed_alone(folder: Path, name: str, taught: bool):  # noqa: FBT001
    options = TAUGHT if taught else {}
    one, again = (named(folder, name, **options) for _ in range(2))
    first, second = spelt(one.examples(0)), spelt(one.examples(1))
    assert [spelt(again.examples(1)), spelt(again.examples(0))] == [second, first]
    assert first != second
    assert spelt(epoch(folder, name, seed=14, **options)) != first


def test_that_every_epoch_has_as_many_examples_as_the_first(folder: Path):
    for options in ({}, TAUGHT):
        for stream in streams(folder, seed=13, **options):
            # A run that goes on counts its steps by the first epoch.
            assert len({len(stream.examples(number)) for number in range(3)}) == 1, stream.name


def test_that_without_a_teacher_an_epoch_holds_everything(folder: Path):
    assert len(epoch(folder, "emotion")) == 60
    assert len(epoch(folder, "expression")) > 150
    assert all(isinstance(example.targets["emotion"], int) for example in epoch(folder, "emotion"))


def test_that_of_what_is_taught_it_holds_a_part(folder: Path):
    whole, turns = len(epoch(folder, "expression")), len(epoch(folder, "strategy"))
    assert len(epoch(folder, "emotion", **TAUGHT)) == 30
    assert len(epoch(folder, "expression", **TAUGHT)) == whole // 4
    assert len(epoch(folder, "strategy", **TAUGHT)) == turns * 2 // 3


def test_that_a_teacher_of_one_head_leaves_the_others_alone(folder: Path):
    options = {"teachers": {"expression": sure_teacher}}
    assert [*spelt(epoch(folder, "emotion", **options))] == [*spelt(epoch(folder, "emotion"))]


def test_that_half_of_a_taught_target_is_what_the_annotators_said(folder: Path):
    smoothing = HEADS["emotion"].smoothing
    for example in epoch(folder, "emotion", **TAUGHT):
        target = example.targets["emotion"]
        label = EMPATHETIC_DIALOGUES.index("sad")
        assert target.sum() == pytest.approx(1)
        assert target[SURE] == pytest.approx(0.5 + 0.5 * smoothing / 32)
        assert target[label] == pytest.approx(0.5 * (1 - smoothing + smoothing / 32))
    for example in epoch(folder, "expression", **TAUGHT):
        target = example.targets["expression"]
        assert sorted(target[target > 0].tolist()) == [0.5, 0.5, 0.5]  # joy, love, and what the teacher says


def test_that_some_messages_stand_after_an_unrelated_beginning_and_are_targeted_as_before(folder: Path):
    stream = named(folder, "affect")
    found = [example for number in range(40) for example in stream.examples(number)]
    placed = [example for example in found if len(example.messages) > 1]
    assert 0.05 < len(placed) / len(found) < 0.4
    targets = {example.text: example.targets["affect"].tolist() for example in found if len(example.messages) == 1}
    for example in placed:
        assert example.messages[-2].role == "supporter"
        assert example.targets["affect"].tolist() == targets[example.text]


def test_that_some_beginnings_speak_of_danger_which_the_message_after_them_does_not(folder: Path):
    statements = {example.text for example in risk.statements("train")}
    found = epoch(folder, "risk")
    placed = [example for example in found if len(example.messages) > 1]
    dangerous = sum(example.messages[0].text in statements for example in placed)
    assert 0.05 < dangerous / len(placed) < 0.15
    assert 0.4 < len(placed) / len(found) < 0.6


def test_that_danger_is_learnt_beside_everyday_messages(folder: Path):
    counted = Counter(np.isnan(example.targets["risk"][0]) for example in epoch(folder, "risk"))
    assert counted[False] == len(risk.statements("train"))
    assert counted[True] > 100  # every message of a seeker and every comment: there are less than 6,000


def test_that_where_an_earlier_network_knows_danger_what_alarms_it_comes_oftener(
    folder: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("sem_plugins.training.streams._BENIGN", 20)

    def alarmed_by_seven(examples: Sequence[Example], head: str) -> np.ndarray[Any, Any]:
        assert head == "risk"
        rows = np.zeros((len(examples), HEADS[head].size))
        rows[["7" in example.text for example in examples], 1] = 0.9
        return rows

    def sevens(**options: Any) -> int:
        found = [epoch(folder, "risk", seed=seed, **options) for seed in range(10)]
        harmless = [e for examples in found for e in examples if np.isnan(e.targets["risk"][0])]
        assert len(harmless) == 200
        return sum("7" in example.text for example in harmless)

    with_teacher = sevens(teachers={"risk": alarmed_by_seven})
    assert with_teacher >= 100  # half of them, and those drawn by chance
    assert sevens() < 70


def test_that_no_comment_of_the_held_out_tenth_is_trained_on(folder: Path):
    _, held_out = goemotions.held_out_tenth(goemotions.comments(folder, "train"))
    shown = {
        message.text for name in ("expression", "risk") for e in epoch(folder, name) for message in e.messages
    }
    assert held_out
    assert not {comment.text for comment in held_out} & shown


def test_that_rare_strategies_weigh_more_and_a_turn_weighs_one_on_average(tmp_path: Path):
    turns = [
        support(f"{n} {name}", "Hm.", ("Mhm.", name))
        for name, count in zip(
            ("Question", "Others", "Information", "Self-disclosure", "Providing Suggestions",
             "Reflection of feelings", "Restatement or Paraphrasing", "Affirmation and Reassurance"),
            (16, 4, 1, 4, 4, 4, 4, 4), strict=True,
        )
        for n in range(count)
    ]  # fmt: skip
    weights = class_weights(write_sets(tmp_path, ROWS | {"esconv/train.jsonl": turns}))["strategy"]
    question, others, rare = (weights[ESCONV.index(name)] for name in ("question", "others", "information"))
    assert rare / others == pytest.approx(2)
    assert others / question == pytest.approx(2)
    assert 16 * question + rare + 6 * 4 * others == pytest.approx(41)


def test_that_rare_levels_of_empathy_weigh_more_and_a_reply_weighs_one_on_average(tmp_path: Path):
    levels = [0] * 16 + [2] * 4 + [1]
    pairs = [pair(f"Rain on day {n}.", "Hm.", level, 0, 0) for n, level in enumerate(levels)]
    weights = class_weights(write_sets(tmp_path, ROWS | {"epitome/train.jsonl": pairs}))["empathy"]
    common, rare, some = weights[:3]
    assert rare / some == pytest.approx(2)
    assert some / common == pytest.approx(2)
    assert 16 * common + 4 * some + rare == pytest.approx(21)
    assert weights.isfinite().all()  # levels that do not occur included


# The teacher


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory, one_thread: None) -> ForkedEncoder:
    torch.manual_seed(7)
    network = ForkedEncoder(tiny_base(tmp_path_factory.mktemp("base")), fork=1)
    with torch.no_grad():
        for head in ("emotion", "expression"):
            network.heads[head][1].weight *= 10
    return network


TEXTS = [" ".join(words[:length]) for words in (WARM, LOUD, QUIET) for length in (1, 3, 7, 2)]


def test_that_a_teacher_says_the_same_whatever_stands_beside_an_example(
    network: ForkedEncoder, monkeypatch: pytest.MonkeyPatch
):
    teach = NetworkTeacher([network], tiny_maker())
    examples = [alone(text) for text in TEXTS]
    together = teach(examples, "emotion")
    backwards = teach(examples[::-1], "emotion")[::-1]
    monkeypatch.setattr(teacher, "_BATCH", 5)
    in_parts = teach(examples, "emotion")
    by_one = np.vstack([teach([example], "emotion") for example in examples])
    for other in (backwards, in_parts, by_one):
        assert np.abs(together - other).max() < 0.01
    apart = np.abs(together[:, None] - together[None]).max(axis=2)[~np.eye(len(TEXTS), dtype=bool)]
    assert apart.min() > 0.01  # or rows in another order would pass


def test_that_a_teacher_gives_distributions_where_one_label_holds_and_single_odds_elsewhere(
    network: ForkedEncoder,
):
    teach = NetworkTeacher([network], tiny_maker())
    examples = [alone(text) for text in TEXTS]
    emotion, expression = teach(examples, "emotion"), teach(examples, "expression")
    assert emotion.shape == (len(TEXTS), 32)
    assert np.allclose(emotion.sum(axis=1), 1)
    assert expression.shape == (len(TEXTS), 28)
    assert ((expression > 0) & (expression < 1)).all()
    assert not np.allclose(expression.sum(axis=1), 1)


def test_that_several_networks_teach_their_average(network: ForkedEncoder, tmp_path: Path):
    torch.manual_seed(8)
    other = ForkedEncoder(tiny_base(tmp_path), fork=1)
    examples = [alone(text) for text in TEXTS]
    one, two = (NetworkTeacher([each], tiny_maker())(examples, "emotion") for each in (network, other))
    both = NetworkTeacher([network, other], tiny_maker())(examples, "emotion")
    assert both == pytest.approx((one + two) / 2)
    assert np.abs(one - two).max() > 0.01


def test_that_a_teacher_has_no_dropout(network: ForkedEncoder):
    teach = NetworkTeacher([network.train()], tiny_maker())
    assert np.array_equal(teach([alone("sun")], "emotion"), teach([alone("sun")], "emotion"))


def test_that_a_network_teaches_through_the_streams(network: ForkedEncoder, folder: Path):
    told = epoch(folder, "emotion", teachers={"emotion": NetworkTeacher([network], tiny_maker())})
    assert all(example.targets["emotion"].shape == (32,) for example in told)
    assert all(example.targets["emotion"].sum() == pytest.approx(1) for example in told)
