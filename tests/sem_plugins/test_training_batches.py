# ruff: noqa: E402 - modules of the `train` extra are imported where it is there
from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="training needs the `train` extra")
pytest.importorskip("transformers", reason="training needs the `train` extra")

from agent.errors import DataError
from agent.turn import Message
from sem_plugins.training.batches import UNKNOWN, Batch, Stream, batch_of, epoch_batches
from sem_plugins.training.examples import Example, alone
from sem_plugins.training.heads import HEADS
from tests.sem_plugins.tiny_bert import LOUD, QUIET, WARM, tiny_maker

pytestmark = pytest.mark.train

MAKER = tiny_maker()

TALK = (
    Message("seeker", "drum horn"),
    Message("supporter", "sun", "question"),
    Message("seeker", "snow moss pond"),
)
"""Ids: [CLS] progress <seeker> drum horn <supporter> <question> sun <seeker> snow moss pond [SEP]."""


def stream(*examples: Example, heads: Sequence[str] = ("emotion",), batch: int = 32, name: str = "some") -> Stream:
    return Stream(name, tuple(heads), lambda _: examples, batch=batch)


def only_batch(*examples: Example, heads: Sequence[str], most: int = 48) -> Batch:
    """All examples in one batch, in order."""
    maker = tiny_maker(most)
    return batch_of(stream(heads=heads), [example.window(maker) for example in examples], examples)


def target(head: str, value: Any, *, messages: Sequence[Message] = TALK, most: int = 48) -> torch.Tensor:
    """The one row of targets of a head."""
    (row,) = only_batch(Example(tuple(messages), {head: value}), heads=(head,), most=most).targets[head]
    return row


def words(words: Sequence[str], label: int, rows: int) -> list[Example]:
    return [alone(" ".join(words[: 1 + row % 5]), emotion=label) for row in range(rows)]


SHORT = [*words(WARM, 0, 20), *words(LOUD, 1, 10)]


def ids_of(batches: Sequence[Batch]) -> list[list[int]]:
    return [batch.ids.flatten().tolist() for batch in batches]


# Batches


def test_that_windows_are_padded_no_more_than_needed():
    batch = only_batch(Example(TALK, {"emotion": 1}), alone("sun", emotion=2), heads=("emotion",))
    assert batch.ids.shape == batch.types.shape == batch.mask.shape == (2, 13)
    assert batch.mask.sum(dim=1).tolist() == [13, 5]
    for part in (batch.ids, batch.types, batch.mask):
        assert not part[1, 5:].any()


def test_that_types_say_which_tokens_are_read():
    batch = only_batch(Example(TALK, {"emotion": 1}), heads=("emotion",))
    assert batch.types[0].nonzero().flatten().tolist() == [8, 9, 10, 11]


def test_that_every_example_of_every_stream_is_seen_once_with_its_own_target():
    quiet = words(QUIET, 2, 33)
    streams = [stream(*SHORT, batch=8, name="one"), stream(*quiet, batch=8, name="other")]
    seen: Counter[tuple[Any, ...]] = Counter()
    for batch in epoch_batches(streams, MAKER, seed=1, epoch=0):
        for ids, mask, row in zip(batch.ids, batch.mask, batch.targets["emotion"], strict=True):
            seen[batch.stream.name, tuple(ids[mask.bool()].tolist()), int(row.argmax())] += 1
    expected = Counter(
        (name, tuple(example.window(MAKER).ids.tolist()), example.targets["emotion"])
        for name, examples in (("one", SHORT), ("other", quiet))
        for example in examples
    )
    assert seen == expected


def test_that_batches_are_full_and_those_of_all_streams_are_mixed():
    batches = epoch_batches(
        [stream(*SHORT, batch=4, name="one"), stream(*SHORT, batch=8, name="other")], MAKER, seed=1, epoch=0
    )
    names = [batch.stream.name for batch in batches]
    assert sorted((batch.stream.name, len(batch.ids)) for batch in batches) == [
        *[("one", 2)], *[("one", 4)] * 7, *[("other", 6)], *[("other", 8)] * 3,
    ]  # fmt: skip
    assert names not in (sorted(names), sorted(names, reverse=True))


def test_that_windows_of_like_length_stand_together():
    batches = epoch_batches([stream(*SHORT, batch=6)], MAKER, seed=1, epoch=0)
    lengths = sorted(tuple(batch.mask.sum(dim=1).tolist()) for batch in batches)
    assert lengths == [(length,) * 6 for length in (5, 6, 7, 8, 9)]


def test_that_the_order_depends_on_seed_and_epoch_alone():
    def order(seed: int, epoch: int) -> list[list[int]]:
        return ids_of(epoch_batches([stream(*SHORT, batch=4)], MAKER, seed=seed, epoch=epoch))

    assert order(1, 0) == order(1, 0)
    assert order(1, 0) != order(1, 1)
    assert order(1, 0) != order(2, 0)


def test_that_a_stream_gets_the_number_of_the_epoch():
    asked: list[int] = []
    told = Stream("told", ("emotion",), lambda epoch: asked.append(epoch) or SHORT)
    epoch_batches([told], MAKER, seed=1, epoch=4)
    assert asked == [4]


def test_that_a_stream_without_examples_is_named():
    with pytest.raises(DataError, match="`silence` has no training examples"):
        epoch_batches([stream(*SHORT), stream(name="silence")], MAKER, seed=1, epoch=0)


# Targets


def test_that_a_label_becomes_a_smoothed_distribution():
    row = target("emotion", 5)
    assert HEADS["emotion"].smoothing == 0.1
    assert row[5].item() == pytest.approx(0.9 + 0.1 / 32)
    assert row[4].item() == pytest.approx(0.1 / 32)
    assert row.sum().item() == pytest.approx(1)


def test_that_a_distribution_stays_as_it_is():
    soft = np.full(8, 1 / 8)
    assert target("strategy", soft).tolist() == soft.tolist()


@pytest.mark.parametrize(("head", "size"), [("risk", 8), ("affect", 3)])
def test_that_numbers_stay_as_they_are_and_unknown_ones_unknown(head: str, size: int):
    numbers = np.linspace(-1, 1, size)
    numbers[1] = np.nan
    row = target(head, numbers)
    assert row.dtype == torch.float32
    assert np.allclose(row.numpy(), numbers, equal_nan=True)


def test_that_levels_are_whole_numbers():
    row = target("empathy", (2, 0, 1))
    assert row.dtype == torch.int64
    assert row.tolist() == [2, 0, 1]


def test_that_causes_stand_at_the_speaker_marks_and_nowhere_else():
    row = target("cause", np.array([1.0, 0.0, 1.0]))
    assert {place: value for place, value in enumerate(row.tolist()) if value != UNKNOWN} == {2: 1, 5: 0, 8: 1}


def test_that_an_utterance_that_did_not_fit_has_no_mark():
    row = target("cause", np.array([1.0, 0.0, 1.0]), most=10)
    assert {place: value for place, value in enumerate(row.tolist()) if value != UNKNOWN} == {2: 0, 5: 1}


def test_that_padding_has_neither_marks_nor_tags_nor_spans():
    long = Example(TALK, {"cause": np.ones(3), "span": {2: (0, 4)}, "evidence": (((0, 4),),)})
    short = alone("sun", cause=np.ones(1), span={0: (0, 3)}, evidence=(((0, 3),),))
    batch = only_batch(long, short, heads=("cause", "span", "evidence"))
    assert (batch.targets["cause"][1, 5:] == UNKNOWN).all()
    assert batch.targets["evidence"][1, 5:].isnan().all()
    assert not batch.targets["span"][1, 5:].any()


def test_that_a_causal_span_is_its_first_and_last_token_among_those_of_its_utterance():
    utterance, first, last = target("span", {2: (5, 14), 0: (0, 4)}).T.tolist()  # "moss pond", "drum"
    assert utterance == [0, 0, 0, 1, 1, 0, 0, 0, 0, 3, 3, 3, 0]
    assert [place for place, one in enumerate(first) if one] == [3, 10]
    assert [place for place, one in enumerate(last) if one] == [3, 11]


def test_that_a_span_which_begins_within_a_token_takes_the_whole_token():
    _, first, last = target("span", {2: (6, 11)}).T.tolist()  # "oss p"
    assert (first.index(1), last.index(1)) == (10, 11)


def test_that_a_causal_span_that_did_not_fit_is_left_out():
    assert not target("span", {0: (0, 4)}, most=10).any()


def test_that_tags_are_known_in_the_message_only():
    row = target("evidence", (((5, 9),),))[:, 0]  # "moss"
    known = (~row.isnan()).nonzero().flatten().tolist()
    assert known == [9, 10, 11]  # not the mark, not what was said before
    assert row[known].tolist() == [0, 1, 0]


def test_that_each_column_of_tags_has_its_own_spans():
    columns = target("rationale", (((0, 4), (10, 14)), (), ((5, 9),)))[9:12].T.tolist()
    assert columns == [[1, 0, 1], [0, 0, 0], [0, 1, 0]]


def test_that_no_target_is_in_another_form_than_its_loss_takes():
    for name, value in {"emotion": 1, "expression": np.zeros(28), "felt": np.zeros(2)}.items():
        row = target(name, value)
        assert (row.dtype, row.shape) == (torch.float32, (HEADS[name].size,))
        assert not math.isnan(row.sum())
