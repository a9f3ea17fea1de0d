"""Dialogues out of JSON lines. What is wrong with a line is kept in its place, and the others are read."""

from __future__ import annotations

import codecs
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agent.errors import InputError
from agent.intake import parsed, scrub
from agent.turn import Message, Role

__all__ = [
    "Dialogue",
    "Spoken",
    "dialogue_of",
    "dialogues",
    "numbered",
    "one_dialogue",
    "place_of",
    "problem_of",
    "row_of",
    "spoken",
    "words",
]

_IDS = ("id", "dialogue_id")


@dataclass(frozen=True, slots=True)
class Spoken:
    """One utterance as the file has it.

    Attributes:
        role: Who spoke.
        text: Uncleaned.
        strategy: Of a supporter, as the file spells it; None where it says nothing.
        at: Seconds since 1970, the file's `at` where it is a number.
    """

    role: Role
    text: str
    strategy: str | None = None
    at: float | None = None

    @property
    def message(self) -> Message:
        """As history holds it."""
        return Message(self.role, scrub(self.text).strip(), self.strategy)


@dataclass(frozen=True, slots=True)
class Dialogue:
    """A line of the file.

    Attributes:
        place: `line`, and `id` or `dialogue_id` where the line has them.
        said: In order.
        problem: Why it cannot be read; empty where it can.
        notes: What was mended.
    """

    place: Mapping[str, Any]
    said: tuple[Spoken, ...] = ()
    problem: str = ""
    notes: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """Its id; its line where it has none."""
        return str(self.place.get("dialogue_id", self.place.get("id", f"line {self.place['line']}")))


def dialogues(file: Path) -> Iterator[Dialogue]:
    """Every dialogue of a file, one line at a time; a line that cannot be used says why.

    Raises:
        InputError: The file cannot be read.
    """
    try:
        with file.open("rb") as lines:
            for number, text, notes in numbered(lines):
                yield _dialogue(number, text, notes)
    except OSError as error:
        raise InputError(f"Cannot read {str(file)!r}: {error.strerror}. Name a readable file.") from error


def one_dialogue(file: Path, wanted: str) -> Dialogue:
    """The dialogue that has this id.

    Raises:
        InputError: There is none, or more than one, or its line cannot be used.
    """
    found = [each for each in dialogues(file) if each.name == wanted]
    if len(found) != 1:
        lines = ", ".join(str(each.place["line"]) for each in found)
        why = f"Lines {lines} have it: give each its own." if found else "Leave `--id` out to see all."
        raise InputError(f"{len(found) or 'No'} dialogues in {str(file)!r} have the id {wanted!r}. {why}")
    if found[0].problem:
        raise InputError(found[0].problem)
    return found[0]


def numbered(lines: Iterable[bytes]) -> Iterator[tuple[int, str, tuple[str, ...]]]:
    """Number from 1, text and notes of each line that is not empty. Bytes that are no UTF-8 are replaced."""
    for number, raw in enumerate(lines, start=1):
        line = (raw.removeprefix(codecs.BOM_UTF8) if number == 1 else raw).removesuffix(b"\n")
        if not line.strip():
            continue  # an empty line separates; it is no message
        text = line.decode("utf-8", "replace")
        yield number, text, () if text.encode() == line else ("not valid UTF-8: unreadable bytes were replaced",)


def place_of(number: int, row: Mapping[str, Any]) -> dict[str, Any]:
    """Line and ids of a row; an id of another type than text and number is left out."""
    return {"line": number} | {key: row[key] for key in _IDS if isinstance(row.get(key), str | int)}


def spoken(row: Mapping[str, Any]) -> Iterator[Spoken]:
    """The utterances under `turns`, one at a time, so that those before a bad one can be had.

    Raises:
        KeyError, ValueError, TypeError: The row is no dialogue; see `problem_of`.
    """
    if not isinstance(row["turns"], list):
        raise TypeError("`turns` is no list")
    for index, turn in enumerate(row["turns"]):
        if not isinstance(turn, dict):
            raise TypeError(f"turn {index} is no JSON object")
        missing = next((key for key in ("text", "speaker") if key not in turn), None)
        if missing is not None:
            raise ValueError(f"turn {index} has no key {missing!r}")
        text, role = words(turn["text"]), turn["speaker"]
        if role not in ("seeker", "supporter"):
            raise ValueError(f"turn {index} has another speaker than `seeker` and `supporter`")
        strategy = turn.get("strategy")
        yield Spoken(role, text, strategy if isinstance(strategy, str) else None, _seconds(turn.get("at")))


def words(value: Any) -> str:
    """A `text`.

    Raises:
        TypeError: It is no string.
    """
    if not isinstance(value, str):
        raise TypeError("`text` is no string")
    return value


def row_of(line: str) -> dict[str, Any]:
    """The object in a line, as an InputError or TypeError where there is none."""
    row = parsed(line)
    if not isinstance(row, dict):
        raise TypeError("the line is no JSON object")
    return row


def problem_of(number: int, error: Exception) -> str:
    """What is wrong with a line, without its words."""
    if isinstance(error, KeyError):
        return f"Line {number}: no key {error}. A line holds `text`, or `turns` of a dialogue."
    return f"Line {number}: not usable ({error})."


def _dialogue(number: int, line: str, notes: tuple[str, ...]) -> Dialogue:
    try:
        row = row_of(line)
    except (ValueError, TypeError) as error:
        return Dialogue({"line": number}, problem=problem_of(number, error), notes=notes)
    return dialogue_of(number, row, notes)


def dialogue_of(number: int, row: Mapping[str, Any], notes: tuple[str, ...] = ()) -> Dialogue:
    """The dialogue in a row; where it is none, its `problem` says why.

    Args:
        number: Line in which it begins, from 1.
        row: With `turns`.
        notes: What was mended.
    """
    place = place_of(number, row)
    try:
        return Dialogue(place, tuple(spoken(row)), notes=notes)
    except (KeyError, ValueError, TypeError) as error:
        return Dialogue(place, problem=problem_of(number, error), notes=notes)


def _seconds(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return float(value) if math.isfinite(value) else None
    except OverflowError:
        return None
