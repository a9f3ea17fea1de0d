from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from sem_plugins.encoder import Encoder, encoder_for
from sem_plugins.weights import SHIPPED, load_manifest

# The scale of int8 activations is taken over a whole batch, so a text's logits (up to about 9) move
# with its neighbours: by 0.3 as a rule, more where an emoji stands beside 128 tokens.
INT8 = 1.0

TEXTS = (
    "I dropped the cake on the way to the party.",
    "My neighbour waters my plants whenever I am away, unasked.",
    "Hm.",
    "It is Tuesday, the bus was late, and I have no umbrella with me again.",
)


class CountingEncoder(Encoder):
    """Notes which texts reach the model."""

    def __init__(self, **options: Any) -> None:
        super().__init__(load_manifest(), **options)
        self.seen: list[str] = []

    def _run(self, texts: list[str]) -> list[tuple[Any, ...]]:
        self.seen += texts
        return super()._run(texts)


@pytest.fixture(scope="module")
def shared() -> Encoder:
    return Encoder(load_manifest(), threads=1)


@pytest.fixture
def encoder() -> CountingEncoder:
    return CountingEncoder(threads=1)


@pytest.fixture(scope="module")
def singles() -> dict[str, np.ndarray[Any, Any]]:
    """Every text's emotion logits, read alone."""
    alone = Encoder(load_manifest(), threads=1)
    return {text: alone.forward([text])["emotion"][0] for text in TEXTS}


def test_that_every_head_gives_one_row_per_text(shared: Encoder):
    logits = shared.forward(TEXTS)
    assert {name: rows.shape for name, rows in logits.items()} == {"emotion": (4, 32), "expression": (4, 28)}
    assert all(np.isfinite(rows).all() for rows in logits.values())


def test_that_no_texts_give_no_rows_of_the_right_width(shared: Encoder):
    assert {name: rows.shape for name, rows in shared.forward([]).items()} == {
        "emotion": (0, 32),
        "expression": (0, 28),
    }


def test_that_rows_stand_in_the_order_of_the_texts(shared: Encoder):
    forwards = shared.forward(TEXTS)["emotion"]
    backwards = shared.forward(TEXTS[::-1])["emotion"]
    assert np.array_equal(forwards, backwards[::-1])


@pytest.mark.parametrize("batch", [1, 2, 3, 32])
def test_that_a_batch_reads_what_single_texts_read(singles: dict[str, np.ndarray[Any, Any]], batch: int):
    together = Encoder(load_manifest(), threads=1, batch=batch).forward(TEXTS)["emotion"]
    alone = np.stack([singles[text] for text in TEXTS])
    assert np.abs(together - alone).max() <= INT8
    distances = np.abs(together[:, None] - alone[None, :]).mean(axis=2)
    assert distances.argmin(axis=1).tolist() == [0, 1, 2, 3]  # each row is that of its own text


def test_that_a_batch_of_one_is_exact(singles: dict[str, np.ndarray[Any, Any]]):
    rows = Encoder(load_manifest(), threads=1, batch=1).forward(TEXTS)["emotion"]
    assert np.array_equal(rows, np.stack([singles[text] for text in TEXTS]))


def test_that_the_same_text_runs_once(encoder: CountingEncoder):
    first = encoder.forward([TEXTS[0], TEXTS[1], TEXTS[0]])
    again = encoder.forward([TEXTS[1], TEXTS[2]])
    assert encoder.seen == [TEXTS[0], TEXTS[1], TEXTS[2]]
    assert np.array_equal(first["emotion"][0], first["emotion"][2])
    assert np.array_equal(first["expression"][1], again["expression"][0])


def test_that_what_is_remembered_has_an_end(encoder: CountingEncoder):
    encoder.batch = 256
    encoder.forward([TEXTS[0]])
    encoder.forward([str(number) for number in range(1100)])
    encoder.forward([TEXTS[0]])
    assert encoder.seen.count(TEXTS[0]) == 2


def test_that_more_texts_than_are_remembered_are_all_read(encoder: CountingEncoder):
    encoder.batch = 256
    assert encoder.forward([str(number) for number in range(1100)])["emotion"].shape == (1100, 32)


class Letter(str):
    """A text whose end of life can be seen."""

    __slots__ = ("__weakref__",)


def _strings(thing: object) -> Iterator[str | bytes]:
    """Every string in a nest of plain containers."""
    if isinstance(thing, str | bytes):
        yield thing
    elif isinstance(thing, dict):
        for pair in thing.items():
            yield from _strings(pair)
    elif isinstance(thing, list | tuple | set):
        for item in thing:
            yield from _strings(item)


def test_that_nothing_of_a_text_is_kept(encoder: CountingEncoder):
    text = Letter("My secret is that I never learned to swim.")
    alive = weakref.ref(text)
    Encoder.forward(encoder, [text])
    encoder.seen.clear()
    del text
    gc.collect()
    assert alive() is None
    kept = list(_strings(vars(encoder)))
    assert any(isinstance(item, bytes) and len(item) == 32 for item in kept)  # the hash is found, so is a text
    assert not any("secret" in str(item) for item in kept)


def test_that_a_long_text_loses_its_oldest_part(shared: Encoder):
    end = "and now I am on the train and it is dark outside. " * 20
    rows = shared.forward(
        ["I am so happy. " * 2000 + end, "We had a terrible fight. " * 2000 + end, "I am so happy."]
    )
    same, other, beginning = rows["emotion"]
    assert np.abs(same - other).max() < 1e-5
    assert np.abs(same - beginning).max() > 1


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "\N{LOUDLY CRYING FACE}\N{BROKEN HEART}" * 50,
        "\N{WOMAN}\u200d\N{WOMAN}\u200d\N{GIRL}",
        "もう誰とも話したくない。",
        "لا أستطيع النوم",
        "Я так устал от всего",
        "a\x00b\x1b[31m",
        "\ufffd\ufeff\u202e",
        "x" * 100_000,
        "word " * 50_000,
    ],
    ids=[
        "empty",
        "blank",
        "emoji",
        "joined",
        "Japanese",
        "Arabic",
        "Russian",
        "controls",
        "marks",
        "a word",
        "words",
    ],
)
def test_that_any_text_gives_finite_rows(shared: Encoder, text: str):
    for rows in shared.forward([text, TEXTS[0]]).values():
        assert rows.shape[0] == 2
        assert np.isfinite(rows).all()


def test_that_half_a_character_is_read_as_a_question_mark(encoder: CountingEncoder):
    broken, mended = encoder.forward(["Why \ud83d", "Why ?"])["emotion"]
    assert np.array_equal(broken, mended)
    assert encoder.seen == ["Why ?"]


def test_that_eight_threads_get_the_same_answers():
    encoder = Encoder(load_manifest(), threads=1)
    texts = [f"{text} {number}" for text in TEXTS for number in range(6)]
    expected = {
        text: Encoder(encoder.manifest, threads=1, batch=1).forward([text])["emotion"][0] for text in texts[:3]
    }
    with ThreadPoolExecutor(8) as threads:
        rows = list(threads.map(lambda text: encoder.forward([text])["emotion"][0], texts * 8))
    for text, row in zip(texts * 8, rows, strict=True):
        assert np.array_equal(row, encoder.forward([text])["emotion"][0])
        if text in expected:
            assert np.array_equal(row, expected[text])


def test_that_plugins_of_one_process_share_one_encoder():
    assert encoder_for() is encoder_for(SimpleNamespace(weights=SHIPPED, threads=0))
    assert encoder_for(SimpleNamespace(weights=None, threads=0)) is encoder_for()
    assert encoder_for(SimpleNamespace(weights=None, threads=1)) is not encoder_for()
