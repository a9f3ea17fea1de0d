"""Reading the prepared files: JSON lines, checked, with errors that say where."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar, get_args

from agent.errors import DataError
from agent.intake import parsed
from agent.readings import LabelSet
from agent.settings import load_settings
from agent.turn import Message, Role

__all__ = [
    "Part",
    "data_folder",
    "falls_in_tenth",
    "index_of",
    "message_of",
    "pieces_of",
    "plain",
    "read",
    "read_jsonl",
    "sha256_of",
    "text_of",
]

Part = str
"""Name of a part: its file is `<part>.jsonl`, e.g. `train`, `valid`, `test`."""

_WORDS = 100  # a piece
MadeT = TypeVar("MadeT")


def data_folder(named: Path | None) -> Path:
    """The folder with data sets that the argument or the settings name.

    Raises:
        DataError: Neither does.
    """
    folder: Path | None = load_settings(data=named).data
    if folder is None:
        raise DataError(
            "No data folder. Name one with `--data DIR` or HEARTLINE_DATA; docs/data.md says what it holds."
        )
    return folder


def read(path: Path, make: Callable[[dict[str, Any]], MadeT]) -> list[MadeT]:
    """Every record of a file, made into something.

    Raises:
        DataError: The file is missing, or a record is not what it should be.
    """
    made = []
    for where, row in read_jsonl(path):
        try:
            made.append(make(row))
        except (LookupError, TypeError, ValueError, AttributeError) as error:
            raise DataError(f"{where}: no record of `{path.parent.name}` ({error!r}).") from error
    return made


def read_jsonl(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every line with where it stands, for error messages.

    Raises:
        DataError: The file is missing, or a line is no JSON object.
    """
    if not path.exists():
        test = " --with-test" if path.stem == "test" else ""
        msg = (
            f"No file {path.name!r} in {str(path.parent)!r}. Get it: heartline data fetch {path.parent.name}{test}"
            ". Or name another folder with `--data` or HEARTLINE_DATA."
        )
        raise DataError(msg)
    with path.open(encoding="utf-8") as lines:
        for number, line in enumerate(lines, start=1):
            where = f"{path.parent.name}/{path.name} line {number}"
            try:
                row = parsed(line)
            except ValueError as error:
                raise DataError(f"{where}: not JSON ({error}).") from error
            if not isinstance(row, dict):
                raise DataError(f"{where}: expected an object, found {type(row).__name__}.")
            yield where, row


def sha256_of(path: Path) -> str:
    """SHA-256 of a file, as 64 hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def index_of(label_set: LabelSet, label: str) -> int:
    """Position of `label`, as a ValueError where there is none."""
    if label not in label_set.labels:
        raise ValueError(f"{label!r} is not a label of `{label_set.id}`")
    return label_set.index(label)


def text_of(row: Mapping[str, Any], name: str) -> str:
    """The text under `name`, as a TypeError where there is something else."""
    text = row[name]
    if not isinstance(text, str):
        raise TypeError(f"`{name}` is {type(text).__name__}, expected a string")
    return text


def message_of(turn: Mapping[str, Any], strategy: str | None = None) -> Message:
    """One utterance of a seeker or supporter, as a ValueError where it is neither's."""
    if turn["speaker"] not in get_args(Role):
        raise ValueError(f"speaker {turn['speaker']!r}, expected one of: {', '.join(get_args(Role))}")
    return Message(turn["speaker"], text_of(turn, "text"), strategy)


def pieces_of(text: str) -> list[str]:
    """A post, which is far longer than a window, in pieces of a hundred words; none where there are no words."""
    words = text.split()
    return [" ".join(words[start : start + _WORDS]) for start in range(0, len(words), _WORDS)]


def plain(text: str) -> str:
    """The words alone, for finding texts of train in valid."""
    return re.sub(r"[^a-z0-9]+", " ", text.lower()).strip()


def falls_in_tenth(text: str) -> bool:
    """A tenth of all texts, the same on every machine and for equal texts."""
    return hashlib.sha256(plain(text).encode()).digest()[0] < 256 // 10 + 1
