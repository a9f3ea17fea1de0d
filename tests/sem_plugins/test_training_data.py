from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from agent.errors import DataError, WeightsError
from sem_plugins.labels import EMPATHETIC_DIALOGUES, GO_EMOTIONS
from sem_plugins.training.base import base_weights
from sem_plugins.training.emotion_data import EmotionData, load, read_jsonl, sha256_of


def dialogue(situation: str, *turns: str, emotion: str = "sad") -> dict[str, Any]:
    """One dialogue; the turns alternate, the seeker begins."""
    speakers = ("seeker", "supporter")
    spoken = [{"speaker": speakers[place % 2], "text": text} for place, text in enumerate(turns)]
    return {"dialogue_id": situation, "emotion": emotion, "situation": situation, "turns": spoken}


def comment(text: str, *labels: str) -> dict[str, Any]:
    return {"id": text, "text": text, "labels": labels or ("joy",)}


ROWS: Mapping[str, Sequence[dict[str, Any]]] = {
    "empathetic_dialogues/train.jsonl": [
        dialogue(
            "My tomatoes froze.", "All my tomatoes froze.", "Oh no!", "I grew them from seed.", emotion="sad"
        ),
        dialogue("The fair comes to town.", "It comes on Friday!", emotion="excited"),
        dialogue("I LOST my umbrella", "Somebody took it.", emotion="annoyed"),
    ],
    "empathetic_dialogues/valid.jsonl": [
        dialogue("I lost my umbrella!", "It was a gift.", "From whom?", "From my aunt.", emotion="disappointed")
    ],
    "goemotions/train.jsonl": [comment(f"Number {number} is my favourite", "joy", "love") for number in range(200)]
    + [comment("So it goes", "neutral")],
    "goemotions/valid.jsonl": [comment("so it goes...", "realization")],
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A data folder with a few dialogues and comments."""
    for name, rows in ROWS.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return tmp_path


@pytest.fixture
def data(folder: Path) -> EmotionData:
    return load(folder)


def test_that_only_the_seeker_is_read(data: EmotionData):
    assert data.dialogues[0].seeker == ("All my tomatoes froze.", "I grew them from seed.")
    assert [example.text for example in data.seeker_turns] == ["It was a gift. From my aunt."]


def test_that_labels_become_their_places_in_the_label_set(data: EmotionData):
    assert data.situations[0].labels == (EMPATHETIC_DIALOGUES.index("disappointed"),)
    assert data.comments[0].labels == (GO_EMOTIONS.index("joy"), GO_EMOTIONS.index("love"))


def test_that_texts_of_valid_are_kept_out_of_train_whatever_their_case_and_marks(data: EmotionData):
    assert [dialogue.situation for dialogue in data.dialogues] == ["My tomatoes froze.", "The fair comes to town."]
    assert "So it goes" not in {example.text for example in (*data.comments, *data.held_out)}


def test_that_about_a_tenth_of_the_comments_is_held_out_and_none_is_in_both(data: EmotionData):
    kept, held = ({example.text for example in part} for part in (data.comments, data.held_out))
    assert not kept & held
    assert len(kept) + len(held) == 200
    assert 10 <= len(held) <= 32


def test_that_the_held_out_tenth_is_the_same_every_time(folder: Path, data: EmotionData):
    assert load(folder) == data


def test_that_the_hashes_of_all_files_are_noted(folder: Path, data: EmotionData):
    assert set(data.hashes) == set(ROWS)
    content = (folder / "goemotions/valid.jsonl").read_bytes()
    assert data.hashes["goemotions/valid.jsonl"] == hashlib.sha256(content).hexdigest()
    assert sha256_of(folder / "goemotions/valid.jsonl") == hashlib.sha256(content).hexdigest()


def test_that_every_epoch_shows_every_situation_and_a_first_part_of_what_the_seeker_said(data: EmotionData):
    examples = data.emotion_examples(13)
    seen = set()
    for epoch in range(20):
        shown = [example.text for example in examples(epoch)]
        assert shown[::2] == ["My tomatoes froze.", "The fair comes to town."]
        seen.add(shown[1])
    assert seen == {"All my tomatoes froze.", "All my tomatoes froze. I grew them from seed."}


def test_that_an_epoch_depends_on_its_number_and_the_seed_alone(data: EmotionData):
    one, two, other = data.emotion_examples(13), data.emotion_examples(13), data.emotion_examples(14)
    assert [one(epoch) for epoch in range(9)] == [two(epoch) for epoch in range(8, -1, -1)][::-1]
    assert [one(epoch) for epoch in range(9)] != [other(epoch) for epoch in range(9)]


@pytest.mark.parametrize(
    ("name", "line", "said"),
    [
        ("empathetic_dialogues/train.jsonl", "{", "not JSON"),
        ("empathetic_dialogues/train.jsonl", "", "not JSON"),
        ("empathetic_dialogues/train.jsonl", "[1, 2]", "expected an object, found list"),
        ("empathetic_dialogues/train.jsonl", '{"emotion": "sad"}', "no dialogue of EmpatheticDialogues"),
        (
            "empathetic_dialogues/valid.jsonl",
            json.dumps(dialogue("Rain.", "It rains.", emotion="soaked")),
            "'soaked' is not a label of `empathetic-dialogues-32`",
        ),
        ("empathetic_dialogues/valid.jsonl", json.dumps(dialogue("Rain.") | {"turns": None}), "no dialogue"),
        ("goemotions/train.jsonl", '{"text": "Hm."}', "no comment of GoEmotions"),
        (
            "goemotions/train.jsonl",
            json.dumps(comment("Hm.", "bliss")),
            "'bliss' is not a label of `goemotions-28`",
        ),
    ],
)
def test_that_a_malformed_line_is_named_with_its_number(folder: Path, name: str, line: str, said: str):
    path = folder / name
    lines = path.read_text(encoding="utf-8").splitlines()
    path.write_text("\n".join([lines[0], line, *lines[1:]]), encoding="utf-8")
    with pytest.raises(DataError, match=f"{path.name} line 2: .*{said}"):
        load(folder)


@pytest.mark.parametrize("name", ROWS)
def test_that_a_missing_file_is_named_with_what_to_do(folder: Path, name: str):
    (folder / name).unlink()
    with pytest.raises(DataError, match=r"HEARTLINE_DATA") as error:
        load(folder)
    assert (folder / name).name in str(error.value)
    assert str((folder / name).parent) in str(error.value)


def test_that_an_error_does_not_show_what_people_wrote(tmp_path: Path):
    path = tmp_path / "private.jsonl"
    path.write_text('{"text": "My secret', encoding="utf-8")
    with pytest.raises(DataError) as error:
        list(read_jsonl(path))
    assert "secret" not in str(error.value)


def a_base(folder: Path) -> Path:
    folder.mkdir()
    for name in ("config.json", "model.safetensors", "tokenizer.json"):
        (folder / name).write_text("{}", encoding="utf-8")
    return folder


def test_that_a_base_encoder_with_another_hash_is_refused(tmp_path: Path):
    base = a_base(tmp_path / "base")
    with pytest.raises(WeightsError, match="it is not sentence-transformers/all-MiniLM-L6-v2") as error:
        base_weights(base, cache=tmp_path / "cache")
    assert str(base) in str(error.value)


def test_that_fetched_files_are_verified_again_each_time(tmp_path: Path):
    with pytest.raises(WeightsError, match="Delete the folder to fetch it again"):
        base_weights(None, cache=a_base(tmp_path / "cache"))


def test_that_an_incomplete_base_encoder_is_named_with_what_it_lacks(tmp_path: Path):
    base = a_base(tmp_path / "base")
    (base / "config.json").unlink()
    (base / "tokenizer.json").unlink()
    with pytest.raises(WeightsError, match=r"lacks config\.json, tokenizer\.json.*--base"):
        base_weights(base, cache=tmp_path / "cache")
