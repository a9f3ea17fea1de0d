"""Readers of dialogues whose every utterance has an emotion: MELD, EmoryNLP, RECCON, PELD; and ESConv's outcomes."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from agent.errors import DataError
from sem_plugins.training.sets import emorynlp, esconv, meld, peld, reccon
from sem_plugins.training.sets.utterances import Utterance
from tests.sem_plugins.tiny_sets import Row, support, write_sets

READERS: dict[str, Callable[[Path, Any], list[Any]]] = {
    "meld": meld.dialogues,
    "emorynlp": emorynlp.dialogues,
    "reccon": reccon.dialogues,
    "peld": peld.triples,
}
GLAD = {"meld": "joy", "emorynlp": "joyful", "reccon": "happiness", "peld": "joy"}
TRAITS = {"openness": 0.6, "conscientiousness": 0.4, "extraversion": 0, "agreeableness": 1, "neuroticism": 0.5}


def record(name: str, *texts: str, id_: str = "one") -> Row:
    """Ana and Bo take turns."""
    turns = [
        {"speaker": ("Ana", "Bo")[place % 2], "text": text, "emotion": GLAD[name], "sentiment": "positive"}
        for place, text in enumerate(texts or ("The bread rose.", "It did!", "At last."))
    ]
    return {"id": id_, "dialogue_id": id_, "personality": TRAITS, "turns": turns}


def turned(name: str, **values: Any) -> Row:
    """A record with other values in its first turn."""
    row = record(name)
    row["turns"][0] |= values
    return row


@pytest.mark.parametrize("name", READERS)
def test_that_an_utterance_is_who_said_what_with_which_emotion(tmp_path: Path, name: str):
    [found] = READERS[name](write_sets(tmp_path, {f"{name}/valid.jsonl": [record(name)]}), "valid")
    dialogue = found.dialogue if name == "peld" else found
    assert dialogue.id == "one"
    assert dialogue.utterances[1] == Utterance("Bo", "It did!", GLAD[name], "positive")


@pytest.mark.parametrize(
    ("name", "row", "said"),
    [
        *((name, turned(name, emotion="bliss"), "'bliss' is not a label of `") for name in READERS),
        *((name, turned(name, text=None), "`text` is NoneType, expected a string") for name in READERS),
        *((name, turned(name, speaker=3), "`speaker` is int, expected a string") for name in READERS),
        *((name, turned(name, speaker=" "), "`speaker` is empty") for name in READERS),
        *(
            (name, turned(name, sentiment="mixed"), "sentiment 'mixed', expected one of: neutral")
            for name in READERS
        ),
        *((name, record(name) | {"turns": None}, f"no record of `{name}`") for name in READERS),
        ("meld", record("meld") | {"turns": []}, "`turns` is empty"),
        ("meld", turned("meld", sentiment=None), "sentiment None, expected one of: neutral"),
        ("meld", record("meld") | {"dialogue_id": 7}, "`dialogue_id` is int"),
        ("emorynlp", turned("emorynlp", emotion="joy"), "'joy' is not a label of `emorynlp-7`"),
        ("peld", record("peld", "So.", "Yes."), "2 turns, expected 3"),
        ("peld", turned("peld", speaker="Cy"), "not of one speaker, another, and the first again"),
        ("peld", record("peld") | {"personality": {}}, "openness"),
        ("peld", record("peld") | {"personality": TRAITS | {"openness": "high"}}, "could not convert"),
        (
            "peld",
            record("peld") | {"personality": TRAITS | {"openness": 4}},
            "openness 4.0, expected a number from 0",
        ),
    ],
)
def test_that_a_malformed_record_is_named_with_its_line_and_what_is_wrong(
    tmp_path: Path, name: str, row: Row, said: str
):
    write_sets(tmp_path, {f"{name}/train.jsonl": [record(name), row]})
    with pytest.raises(DataError, match=f"^{name}/train.jsonl line 2: ") as error:
        READERS[name](tmp_path, "train")
    assert said in str(error.value)
    assert "bread" not in str(error.value)


@pytest.mark.parametrize("name", READERS)
def test_that_a_missing_file_is_named(tmp_path: Path, name: str):
    with pytest.raises(DataError, match=r"No file 'valid\.jsonl'"):
        READERS[name](tmp_path, "valid")


def test_that_everybody_hears_the_others_as_supporters(tmp_path: Path):
    row = record("emorynlp", "One.", "Two.", "Three.")
    row["turns"][2]["speaker"] = "Cy & Di"
    [found] = emorynlp.dialogues(write_sets(tmp_path, {"emorynlp/valid.jsonl": [row]}), "valid")
    roles = [[message.role for message in found.heard_by(who, 3)] for who in ("Ana", "Cy & Di")]
    assert roles == [["seeker", "supporter", "supporter"], ["supporter", "supporter", "seeker"]]
    assert [message.text for message in found.heard_by("Bo", 1)] == ["One."]


def test_that_triples_that_overlap_are_of_one_scene(tmp_path: Path):
    long = "We have been waiting for this bread."
    rows = [
        record("peld", "One.", "Two.", "Three.", id_="a"),
        record("peld", "Three.", "Four.", "Five.", id_="b"),  # beside the first, with a line of it
        record("peld", "Six.", "Seven.", "Eight.", id_="c"),
        record("peld", "Three.", "Nine.", "Ten.", id_="d"),  # a short line, and not beside it
        record("peld", long, "Five.", "Six.", id_="e"),
        record("peld", "No.", "Yes.", "No!", id_="f"),
        record("peld", "Five.", "Ten.", long, id_="g"),  # a long line
    ]
    found = peld.triples(write_sets(tmp_path, {"peld/valid.jsonl": rows}), "valid")
    scenes = dict(zip("abcdefg", (triple.scene for triple in found), strict=True))
    assert scenes["a"] == scenes["b"]
    assert scenes["e"] == scenes["g"]
    assert len({scenes[name] for name in "acdef"}) == 5


def test_that_a_survey_that_was_not_filled_in_is_unknown_and_no_zero(tmp_path: Path):
    survey = {"survey_score": {"seeker": {"initial_emotion_intensity": 5, "final_emotion_intensity": 2}}}
    begun = {"survey_score": {"seeker": {"initial_emotion_intensity": 5}}}
    talk = support("one", "It rains.", ("Still?", "Question"))
    rows = [talk | survey, talk | {"dialogue_id": "two"} | begun, talk | {"dialogue_id": "three"}]
    folder = write_sets(tmp_path, {"esconv/valid.jsonl": rows, "esconv_failed/valid.jsonl": rows[:1]})
    assert [one.targets["fall"] for one in esconv.outcomes(folder, "valid")] == [3, None, None]
    assert [one.targets["fall"] for one in esconv.outcomes(folder, "valid", failed=True)] == [3]


@pytest.mark.data
@pytest.mark.parametrize("part", ["train", "valid"])
@pytest.mark.parametrize("name", READERS)
def test_that_every_record_of_the_real_set_is_read(data_folder: Callable[[str], Path], name: str, part: str):
    folder = data_folder(name)
    lines = (folder / f"{part}.jsonl").read_text(encoding="utf-8").splitlines()
    assert len(READERS[name](folder.parent, part)) == len(lines) == len({json.loads(x)[_ID[name]] for x in lines})


_ID = {"meld": "dialogue_id", "emorynlp": "dialogue_id", "reccon": "dialogue_id", "peld": "id"}


@pytest.mark.data
def test_that_no_triple_of_valid_is_in_train(data_folder: Callable[[str], Path]):
    folder = data_folder("peld").parent
    train, valid = (
        {tuple(one.text for one in triple.dialogue.utterances) for triple in peld.triples(folder, part)}
        for part in ("train", "valid")
    )
    assert not train & valid
