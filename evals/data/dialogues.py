"""Dialogues, from the form that their authors published into ours: ESConv, EmpatheticDialogues, RECCON."""

from __future__ import annotations

import hashlib
import json
import random
import tarfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

__all__ = ["Files", "Row", "empathetic_dialogues", "esconv", "esconv_failed", "plain_spaces", "reccon", "share_of"]

Files = Mapping[str, Path]
"""Name of a source file to where it lies."""

Row = dict[str, Any]
"""A record, as it is written."""

_SEED, _SHARE = 13, 0.15  # of ESConv's authors: https://github.com/thu-coai/Emotional-Support-Conversation

_FAILED = (("train", 0.7), ("valid", 0.8), ("test", 1.0))  # where each part of the failed dialogues ends
_SIDES = {"speaker": "seeker", "listener": "supporter"}
"""How the failed dialogues of ESConv call the two."""

_STRATEGIES = {
    "Questions": "Question",
    "Other": "Others",
    "Restatement": "Restatement or Paraphrasing",
    "Approval and Reassurance": "Affirmation and Reassurance",
    "Direct Guidance": "Providing Suggestions",
}
"""How they call strategies, where ESConv has another name."""

_SLIPS = {
    "happy": "happiness",
    "happines": "happiness",
    "excited": "happiness",
    "sad": "sadness",
    "angry": "anger",
    "surprised": "surprise",
}
"""RECCON's spellings of DailyDialog's emotions that occur a few times each."""

_NOT_HERE = "b"  # RECCON: the cause is not in the dialogue


def plain_spaces(text: str) -> str:
    """The words with single spaces between."""
    return " ".join(text.split())


def share_of(name: str) -> float:
    """A number in [0, 1), the same for equal names on every machine."""
    return int(hashlib.sha256(name.encode()).hexdigest(), 16) / 2**256


def esconv(files: Files, part: str) -> Iterator[Row]:
    """`ESConv.json`: a list of dialogues with `dialog`, a list of turns with `content` and `annotation`.

    Parts are the authors': the dialogues shuffled with seed 13, 15% valid, 15% test, the rest train. The feedback
    on turns is left out of train, as in the file that the weights were trained on.
    """
    dialogues = json.loads(files["ESConv.json"].read_text(encoding="utf-8"))
    order = list(range(len(dialogues)))
    random.Random(_SEED).shuffle(order)
    size = int(_SHARE * len(order))
    places = {"valid": order[:size], "test": order[size : 2 * size], "train": order[2 * size :]}
    for place in places[part]:
        yield _support(dialogues[place], f"esconv-{place:04}", place, feedback=part != "train")


def esconv_failed(files: Files, part: str) -> Iterator[Row]:
    """`FailedESConv.json`: the same, of a `speaker` and a `listener`, with other names of some strategies.

    The authors have no parts; ours are by SHA-256 of the id.
    """
    for place, found in enumerate(json.loads(files["FailedESConv.json"].read_text(encoding="utf-8"))):
        name = f"esconv-failed-{place:03}"
        share = share_of(f"esconv_failed:{name}")
        if part == next(one for one, end in _FAILED if share < end):
            yield _support(found, name, place, feedback=True)


def _support(found: Row, name: str, place: int, *, feedback: bool) -> Row:
    score = {
        side: {name: int(value) for name, value in given.items() if value not in {None, ""}}
        for side, given in found["survey_score"].items()
    }
    questions = [f"{side}_question{number}" for side in ("seeker", "supporter") for number in (1, 2)]
    answers = {name: plain_spaces(found[name]) for name in questions if (found.get(name) or "").strip()}
    turns = []
    for turn in found["dialog"]:
        speaker = _SIDES.get(turn["speaker"], turn["speaker"])
        said: Row = {"speaker": speaker, "text": plain_spaces(turn["content"])}
        annotation = turn.get("annotation") or {}
        if speaker == "supporter":
            said["strategy"] = _STRATEGIES.get(annotation["strategy"], annotation["strategy"])
            if said["strategy"] != annotation["strategy"]:
                said["strategy_raw"] = annotation["strategy"]
        elif feedback and annotation.get("feedback"):
            said["feedback"] = int(annotation["feedback"])
        turns.append(said)
    return {
        "dialogue_id": name,
        "source_index": place,
        "experience_type": found["experience_type"],
        "emotion_type": found["emotion_type"],
        "problem_type": found["problem_type"],
        "situation": plain_spaces(found["situation"]),
        "survey_score": score,
        **({"survey_text": answers} if answers else {}),
        "turns": turns,
    }


def empathetic_dialogues(files: Files, part: str) -> Iterator[Row]:
    """`<part>.csv` in the archive: a line an utterance, with `_comma_` for commas and no quoting.

    Columns: conversation, number of the utterance, emotion, situation, worker, utterance, and two that are not
    used. A reader that takes quotation marks for quoting loses a tenth of the conversations.
    """
    conversations: dict[str, list[tuple[int, str, str, str]]] = {}
    with tarfile.open(files["empatheticdialogues.tar.gz"]) as archive:
        member = archive.extractfile(f"empatheticdialogues/{part}.csv")
        if member is None:
            raise LookupError(f"empatheticdialogues/{part}.csv")
        next(member)  # names of the columns
        for line in member:
            name, number, emotion, situation, _, text, *_ = line.decode("utf-8").rstrip("\r\n").split(",")
            conversations.setdefault(name, []).append((int(number), emotion, situation, text))
    for name, spoken in conversations.items():
        spoken.sort(key=lambda utterance: utterance[0])
        _, emotion, situation, _ = spoken[0]
        yield {
            "dialogue_id": name,
            "emotion": emotion,
            "situation": _with_commas(situation),
            "turns": [
                {"speaker": ("seeker", "supporter")[place % 2], "text": _with_commas(text)}
                for place, (_, _, _, text) in enumerate(spoken)
            ],
        }


def _with_commas(text: str) -> str:
    return text.replace("_comma_", ",").strip()


def reccon(files: Files, part: str) -> Iterator[Row]:
    """`dailydialog_<part>.json`: id to a list that holds the list of utterances; turns are counted from 1."""
    dialogues = json.loads(files[f"dailydialog_{part}.json"].read_text(encoding="utf-8"))
    for name, (utterances,) in dialogues.items():
        yield {
            "dialogue_id": f"dailydialog:{name}",
            "turns": [_utterance(utterance, utterances) for utterance in utterances],
        }


def _utterance(found: Row, dialogue: Sequence[Row]) -> Row:
    emotion = found["emotion"].strip()
    turn: Row = {
        "speaker": found["speaker"],
        "text": found["utterance"].strip(),
        "emotion": _SLIPS.get(emotion, emotion),
    }
    if emotion in _SLIPS:
        turn["emotion_raw"] = emotion
    if "expanded emotion cause evidence" in found:
        evidence, spans = found["expanded emotion cause evidence"], found["expanded emotion cause span"]
        turn["causes"] = [_cause(*pair, dialogue) for pair in zip(evidence, spans, strict=True)]
        turn["cause_types"] = found.get("type", [])
    if found.get("explanation"):
        turn["explanation"] = found["explanation"]
    return turn


def _cause(evidence: int | str, span: str, dialogue: Sequence[Row]) -> Row:
    if evidence == _NOT_HERE:
        return {"turn": None}
    place = int(evidence) - 1
    start = dialogue[place]["utterance"].strip().index(span.strip())
    return {"turn": place, "span": span.strip(), "start": start, "end": start + len(span.strip())}
