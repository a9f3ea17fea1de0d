"""Examples of other people: built out of dialogues, kept in a file, found by emotion and then by words."""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from agent.errors import DataError, SettingsError
from agent.readings import EmotionReading
from agent.settings import load_settings
from agent.testing import a_turn
from agent.turn import Message
from sem_plugins.encoder import Encoder, encoder_for
from sem_plugins.exemplars.build import build
from sem_plugins.exemplars.plugin import ExemplarPlugin, create
from sem_plugins.exemplars.store import ExemplarStore, Row
from sem_plugins.vectors import encoder_vectors, sentence_transformers_vectors

LABELS = ("sad", "glad", "afraid")


def store_of(
    *rows: tuple[str, tuple[float, ...], tuple[float, ...]], groups: tuple[str, ...] = ()
) -> ExemplarStore:
    names = groups or tuple(f"d{place}" for place in range(len(rows)))
    return ExemplarStore(
        label_set="three",
        labels=LABELS,
        embedder="test",
        rows=[Row(name, text, f"Reply to {text}") for name, (text, _, _) in zip(names, rows, strict=True)],
        emotions=np.array([emotions for _, emotions, _ in rows]),
        vectors=np.array([vector for _, _, vector in rows]),
    )


SAD, GLAD, AFRAID = (0.9, 0.05, 0.05), (0.05, 0.9, 0.05), (0.05, 0.05, 0.9)
EAST, NORTH = (1.0, 0.0), (0.0, 1.0)


def found(store: ExemplarStore, emotions: Any = SAD, vector: Any = EAST, **options: Any) -> list[str]:
    options = {"most": 8, "least": 0.0} | options
    return [one.text for one in store.search(np.array(emotions), np.array(vector), **options)]


def test_that_a_like_emotion_counts_more_than_like_words():
    store = store_of(("glad words", GLAD, EAST), ("sad words", SAD, NORTH))
    assert found(store) == ["sad words", "glad words"]


def test_that_of_two_like_emotions_the_likelier_words_come_first():
    store = store_of(("north", SAD, NORTH), ("east", SAD, EAST))
    assert found(store) == ["east", "north"]


def test_that_an_unlike_example_is_left_out_and_a_dialogue_is_taken_once():
    store = store_of(
        ("one", SAD, EAST), ("two", SAD, EAST), ("three", GLAD, NORTH), groups=("same", "same", "other")
    )
    assert found(store, least=0.6) == ["one"]


def test_that_no_more_are_given_than_are_asked_for():
    store = store_of(*[(f"text {number}", SAD, EAST) for number in range(40)])
    assert len(found(store, most=3)) == 3


@given(st.lists(st.sampled_from([SAD, GLAD, AFRAID]), min_size=1, max_size=30), st.integers(1, 8))
def test_that_likeness_falls_and_lies_between_0_and_1(emotions: list[Any], most: int):
    store = store_of(*[(f"text {number}", row, EAST) for number, row in enumerate(emotions)])
    likeness = [one.similarity for one in store.search(np.array(SAD), np.array(EAST), most=most)]
    assert likeness == sorted(likeness, reverse=True)
    assert all(0.5 <= one <= 1 for one in likeness)


def test_that_a_file_gives_back_what_was_saved(tmp_path: Path):
    store = store_of(("Я один", SAD, EAST), ("two", GLAD, NORTH))
    store.save(tmp_path / "deep" / "examples.npz")
    loaded = ExemplarStore.load(tmp_path / "deep" / "examples.npz")
    assert (loaded.id, loaded.rows, loaded.labels, loaded.embedder) == (store.id, store.rows, LABELS, "test")
    assert found(loaded) == found(store)
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["examples.npz"]


@pytest.mark.parametrize("content", [b"", b"no archive", b"PK\x03\x04 broken"])
def test_that_a_damaged_file_is_named_with_its_cure(tmp_path: Path, content: bytes):
    (tmp_path / "examples.npz").write_bytes(content)
    with pytest.raises(DataError, match=r"damaged.*heartline exemplars build"):
        ExemplarStore.load(tmp_path / "examples.npz")


def test_that_a_missing_file_is_named(tmp_path: Path):
    with pytest.raises(DataError, match="No file of examples at"):
        ExemplarStore.load(tmp_path / "nowhere.npz")


def test_that_a_file_of_a_later_version_is_not_guessed_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("sem_plugins.exemplars.store.FORMAT", 99)
    store_of(("one", SAD, EAST)).save(tmp_path / "examples.npz")
    monkeypatch.undo()
    with pytest.raises(DataError, match="format 99; this version reads 1"):
        ExemplarStore.load(tmp_path / "examples.npz")


def test_that_vectors_of_another_width_are_refused():
    with pytest.raises(DataError, match="3 numbers"):
        found(store_of(("one", SAD, EAST)), vector=(1.0, 0.0, 0.0))


def test_that_numbers_that_are_none_are_refused():
    with pytest.raises(DataError, match="number that is none"):
        store_of(("one", (float("nan"), 0.5, 0.5), EAST))


def embed(_: str) -> NDArray[np.float32]:
    return np.array(EAST, np.float32)


def test_that_the_plugin_looks_with_the_turn_s_own_emotion():
    plugin = ExemplarPlugin(store_of(("sad", SAD, EAST), ("glad", GLAD, EAST)), embed, most=1)
    emotion = EmotionReading("three", dict(zip(LABELS, GLAD, strict=True)))
    [reading] = plugin([a_turn(emotion=emotion)])
    assert reading is not None
    [one] = reading.exemplars
    assert (one.text, one.reply, next(iter(one.emotions))) == ("glad", "Reply to glad", "glad")


def test_that_an_emotion_in_other_labels_finds_nothing():
    plugin = ExemplarPlugin(store_of(("sad", SAD, EAST)), embed)
    assert plugin([a_turn(emotion=EmotionReading("two", {"sad": 1.0})), a_turn()]) == [None, None]


def test_that_more_than_eight_are_refused():
    with pytest.raises(SettingsError, match="between 1 and 8"):
        ExemplarPlugin(store_of(("sad", SAD, EAST)), embed, most=9)


@pytest.fixture(scope="module")
def encoder() -> Encoder:
    return encoder_for()


DIALOGUES = [
    (
        "one",
        [
            Message("seeker", "My grandmother died last week and the house is so quiet."),
            Message("supporter", "I am so sorry. What was she like?"),
            Message("seeker", "ok"),
            Message("supporter", "Take your time, I am here."),
        ],
    ),
    (
        "two",
        [
            Message("seeker", "I got the job that I had wanted for three years!"),
            Message("supporter", "How wonderful! What will you do first?"),
        ],
    ),
    (
        "three",
        [
            Message("seeker", "I want to kill myself tonight and I have the pills here."),
            Message("supporter", "Just think of something nice for a while."),
        ],
    ),
    (
        "four",
        [
            Message("seeker", "Mi perro se escapó anoche y no lo encuentro por ningún lado"),
            Message("supporter", "I am sorry, have you asked around?"),
        ],
    ),
]


def test_that_what_is_short_dangerous_or_no_english_becomes_no_example(encoder: Encoder):
    built = build(DIALOGUES, encoder, embed, "test", progress=False)
    assert [row.group for row in built.store.rows] == ["one", "two"]
    assert built.left_out == {
        "too short or too long": 1, "danger was read, or risk could not be": 1, "no readable English": 1,
    }  # fmt: skip


def test_that_nothing_to_build_from_is_an_error_that_says_why(encoder: Encoder):
    with pytest.raises(DataError, match="danger was read"):
        build(DIALOGUES[2:3], encoder, embed, "test", progress=False)


def test_that_the_shipped_encoder_finds_a_like_loss(encoder: Encoder, tmp_path: Path):
    embedding, name = encoder_vectors()
    build(DIALOGUES, encoder, embedding, name, progress=False).store.save(tmp_path / "e.npz")
    plugin = create(load_settings(exemplars=tmp_path / "e.npz", exemplars_most=1))
    from sem_plugins.emotion.plugin import EmotionPlugin

    turn = a_turn("We buried my dad on Monday. I keep waiting for him to call.")
    [emotion] = EmotionPlugin(encoder)([turn])
    [reading] = plugin([turn.fill(emotion=emotion)])
    assert reading is not None
    assert [one.text for one in reading.exemplars] == [DIALOGUES[0][1][0].text]


def test_that_a_file_made_with_other_weights_is_refused(tmp_path: Path):
    store_of(("sad", SAD, EAST)).save(tmp_path / "e.npz")
    with pytest.raises(DataError, match=r"'test'.*'encoder:.*build the file again"):
        create(load_settings(exemplars=tmp_path / "e.npz"))


def test_that_the_plugin_without_a_file_says_how_to_make_one():
    with pytest.raises(SettingsError, match="heartline exemplars build"):
        create(load_settings())


def test_that_a_missing_library_or_model_is_named():
    with pytest.raises(SettingsError, match=r"heartline\[embeddings\]|Cannot load"):
        sentence_transformers_vectors("no/such/model")


def test_that_vectors_of_a_sentence_transformers_model_have_length_1_and_its_name(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    """The library is not installed here; this stands in for the three of its names that are used."""
    asked: list[Any] = []

    class SentenceTransformer:
        def __init__(self, model: str) -> None:
            asked.append(model)

        def encode(self, texts: list[str], *, show_progress_bar: bool) -> NDArray[np.float32]:
            asked.append((texts, show_progress_bar))
            return np.array([[3.0, 4.0]], np.float32)

    library = SimpleNamespace(SentenceTransformer=SentenceTransformer)
    monkeypatch.setitem(sys.modules, "sentence_transformers", library)
    embed, name = sentence_transformers_vectors(str(tmp_path / "minilm"))
    assert embed("It rains.").tolist() == pytest.approx([0.6, 0.8])
    assert name == "sentence-transformers:minilm"
    assert asked == [str(tmp_path / "minilm"), (["It rains."], False)]
