"""Training and validation examples for the two emotion heads.

EmpatheticDialogues, one dialogue a line (shortened):

    {"dialogue_id": "...", "emotion": "anxious", "situation": "...",
     "turns": [{"speaker": "seeker", "text": "..."}, {"speaker": "supporter", "text": "..."}]}

GoEmotions, one comment a line:

    {"id": "...", "text": "...", "labels": ["gratitude", "joy"]}

The `silver_label` of EmpatheticDialogues' turns is not used: its classifier was trained on this
very corpus without regard to the split, so it would leak.
"""

from __future__ import annotations

import hashlib
import json
import random
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agent.errors import DataError
from agent.readings import LabelSet
from sem_plugins.labels import EMPATHETIC_DIALOGUES, GO_EMOTIONS
from sem_plugins.training.examples import Example

__all__ = ["EmotionData", "load", "read_jsonl", "sha256_of"]


@dataclass(frozen=True)
class Dialogue:
    """What is used of one dialogue of EmpatheticDialogues."""

    situation: str
    seeker: tuple[str, ...]
    label: int


@dataclass(frozen=True)
class EmotionData:
    """Everything the emotion run reads.

    Attributes:
        dialogues: For training.
        comments: For training, less the `held_out` tenth.
        held_out: Comments of train that choose the thresholds.
        situations, seeker_turns, valid_comments: The valid parts, one example each.
        hashes: File name to SHA-256 of every file that was read.
    """

    dialogues: Sequence[Dialogue]
    comments: Sequence[Example]
    held_out: Sequence[Example]
    situations: Sequence[Example]
    seeker_turns: Sequence[Example]
    valid_comments: Sequence[Example]
    hashes: dict[str, str]

    def emotion_examples(self, seed: int) -> Callable[[int], Sequence[Example]]:
        """Per epoch: every situation, and what the seeker said in every dialogue.

        Two thirds of the dialogues show all seeker turns; of the rest a random first part, as a
        running agent sees it before the end.
        """

        def examples(epoch: int) -> Sequence[Example]:
            rng = random.Random(f"{seed}-{epoch}-turns")
            out = []
            for dialogue in self.dialogues:
                out.append(Example(dialogue.situation, (dialogue.label,)))
                turns = dialogue.seeker
                if rng.random() < 1 / 3:
                    turns = turns[: rng.randint(1, len(turns))]
                out.append(Example(" ".join(turns), (dialogue.label,)))
            return out

        return examples


def load(folder: Path) -> EmotionData:
    """Read both sets below `folder` and keep train clear of valid.

    Raises:
        DataError: A file is missing, or a line is not what it should be.
    """
    ed_train = [_dialogue(where, row) for where, row in read_jsonl(folder / "empathetic_dialogues/train.jsonl")]
    ed_valid = [_dialogue(where, row) for where, row in read_jsonl(folder / "empathetic_dialogues/valid.jsonl")]
    go_train = [_comment(where, row) for where, row in read_jsonl(folder / "goemotions/train.jsonl")]
    go_valid = [_comment(where, row) for where, row in read_jsonl(folder / "goemotions/valid.jsonl")]
    known = {_plain(dialogue.situation) for dialogue in ed_valid}
    ed_train = [dialogue for dialogue in ed_train if _plain(dialogue.situation) not in known]
    known = {_plain(comment.text) for comment in go_valid}
    go_train = [comment for comment in go_train if _plain(comment.text) not in known]
    held_out = [comment for comment in go_train if _falls_in_tenth(comment.text)]
    comments = [comment for comment in go_train if not _falls_in_tenth(comment.text)]
    files = [
        f"{name}/{part}.jsonl" for name in ("empathetic_dialogues", "goemotions") for part in ("train", "valid")
    ]
    return EmotionData(
        dialogues=ed_train,
        comments=comments,
        held_out=held_out,
        situations=[Example(d.situation, (d.label,)) for d in ed_valid],
        seeker_turns=[Example(" ".join(d.seeker), (d.label,)) for d in ed_valid],
        valid_comments=go_valid,
        hashes={name: sha256_of(folder / name) for name in files},
    )


def read_jsonl(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every line with where it stands, for error messages.

    Raises:
        DataError: The file is missing, or a line is no JSON object.
    """
    if not path.exists():
        msg = (
            f"No file {path.name!r} in {str(path.parent)!r}. Name the data folder with `--data` or HEARTLINE_DATA."
        )
        raise DataError(msg)
    with path.open(encoding="utf-8") as lines:
        for number, line in enumerate(lines, start=1):
            where = f"{path.name} line {number}"
            try:
                row = json.loads(line)
            except ValueError as error:
                raise DataError(f"{where}: not JSON ({error}).") from error
            if not isinstance(row, dict):
                raise DataError(f"{where}: expected an object, found {type(row).__name__}.")
            yield where, row


def sha256_of(path: Path) -> str:
    """SHA-256 of a file, as 64 hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _dialogue(where: str, row: dict[str, Any]) -> Dialogue:
    try:
        seeker = tuple(turn["text"] for turn in row["turns"] if turn["speaker"] == "seeker")
        return Dialogue(row["situation"], seeker, _index(where, EMPATHETIC_DIALOGUES, row["emotion"]))
    except (KeyError, TypeError) as error:
        raise DataError(f"{where}: no dialogue of EmpatheticDialogues ({error!r}).") from error


def _comment(where: str, row: dict[str, Any]) -> Example:
    try:
        return Example(row["text"], tuple(_index(where, GO_EMOTIONS, label) for label in row["labels"]))
    except (KeyError, TypeError) as error:
        raise DataError(f"{where}: no comment of GoEmotions ({error!r}).") from error


def _index(where: str, label_set: LabelSet, label: str) -> int:
    if label not in label_set.labels:
        raise DataError(f"{where}: {label!r} is not a label of `{label_set.id}`.")
    return label_set.index(label)


def _plain(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", " ", text.lower()).strip()


def _falls_in_tenth(text: str) -> bool:
    """A tenth of all texts, the same on every machine and for equal texts."""
    return hashlib.sha256(_plain(text).encode()).digest()[0] < 256 // 10 + 1
