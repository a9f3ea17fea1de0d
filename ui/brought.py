"""Conversations in a file that somebody brings along: what Heartline writes of one, or plain dialogues."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from json.decoder import scanstring  # type: ignore[attr-defined]  # in the standard library, not in its stubs
from typing import Any

from agent.errors import InputError, StoreError
from agent.intake import parsed
from agent.record import from_record
from ui.dialogues import Dialogue, dialogue_of, numbered, problem_of, row_of
from ui.traced import MalformedError, named, trajectory_of
from ui.trajectories import Trajectory, stored

__all__ = ["Brought", "brought", "line_of"]

_SPACE = re.compile(r"[ \t\r\n,:]*")
_KINDS = (
    "turns as `heartline export` and the page's download write them, a trajectory of `heartline trace --json`, "
    "or dialogues with `speaker` and `text`"
)
Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Brought:
    """What a file holds.

    Attributes:
        found: Conversations in their order; a `Dialogue` was not read by any model yet.
        problems: What could not be used and why, with line and field; no word of a person is in it.
    """

    found: tuple[Trajectory | Dialogue, ...]
    problems: tuple[str, ...] = ()


def brought(content: bytes) -> Brought:
    """The conversations in a file.

    Args:
        content: One JSON text, or JSON lines: what `heartline export`, `heartline trace --json`, `/save`,
            `heartline analyze --conversations` and the page's download write, or dialogues (docs/trace.md).

    Raises:
        InputError: It is neither, or nothing in it is a conversation.
    """
    lines = list(numbered(content.split(b"\n")))
    if not lines:
        raise InputError("The file is empty.")
    text = content.decode("utf-8-sig", "replace")
    try:
        whole = parsed(text)
    except InputError as error:
        if len(lines) == 1 or not _is_json(lines[0][1]):
            raise InputError(f"It is no JSON: {error}.") from error
        rows = _of_lines(lines)
    else:
        rows = _of_whole(whole, text)
    found: list[Trajectory | Dialogue] = []
    problems: list[str] = []
    for row in rows:
        if isinstance(row, str):
            problems.append(row)
        elif isinstance(row, Dialogue) and row.problem:
            problems.append(row.problem)
        else:
            found.append(row)
    if not found:
        raise InputError(problems[0] if problems else "There is no conversation in it.")
    return Brought(tuple(found), tuple(problems))


def _is_json(line: str) -> bool:
    try:
        parsed(line)
    except InputError:
        return False
    return True


def _of_lines(lines: Sequence[tuple[int, str, tuple[str, ...]]]) -> Iterator[Trajectory | Dialogue | str]:
    for number, line, notes in lines:
        try:
            row = row_of(line)
        except (ValueError, TypeError) as error:
            yield problem_of(number, error)
            continue
        for path, found in _conversations(row, ()):
            if isinstance(found, Mapping):
                yield dialogue_of(number, found, notes)
            elif isinstance(found, Trajectory):
                yield found
            else:
                yield f"Line {number}, {_field(path)}{found}"


def _of_whole(whole: Any, text: str) -> Iterator[Trajectory | Dialogue | str]:
    for path, found in _conversations(whole, ()):
        if isinstance(found, Mapping):
            yield dialogue_of(line_of(text, path), found)
        elif isinstance(found, Trajectory):
            yield found
        else:
            yield f"Line {line_of(text, path)}, {_field(path)}{found}"


def _field(path: Path) -> str:
    return f"`{named(path)}`: " if path else ""


def _conversations(row: Any, path: Path) -> Iterator[tuple[Path, Trajectory | Mapping[str, Any] | str]]:
    """Trajectories, rows of plain dialogues, and what is wrong with the others; each with its place."""
    if isinstance(row, list):
        for number, each in enumerate(row):
            yield from _conversations(each, (*path, number))
        return
    if not isinstance(row, Mapping):
        yield path, f"this is no JSON object. A file holds {_KINDS}."
        return
    kind, turns = row.get("kind"), row.get("turns")
    if kind == "visitor" and isinstance(row.get("conversations"), list):
        yield from _conversations(row["conversations"], (*path, "conversations"))
    elif kind == "cohort":
        yield path, "a cohort holds no conversations. Open the file that it was made from."
    elif kind == "trajectory":
        try:
            yield path, trajectory_of(row)
        except MalformedError as error:
            yield (*path, *error.path), f"{error.why}."
    elif not isinstance(turns, list):
        why = "`error` says that it could not be read" if "error" in row else "there is no list under `turns`"
        yield path, f"{why}. A file holds {_KINDS}."
    elif any(isinstance(turn, Mapping) and "speaker" in turn for turn in turns) or not turns:
        yield path, row
    else:
        yield from _recorded(row, turns, path)


def _recorded(row: Mapping[str, Any], turns: list[Any], path: Path) -> Iterator[tuple[Path, Trajectory | str]]:
    """A conversation whose turns are records."""
    found = []
    for number, record in enumerate(turns):
        try:
            found.append(from_record(record))
        except StoreError as error:
            yield (*path, "turns", number), str(error)
            return
    name = row.get("conversation")
    yield path, stored(name if isinstance(name, str) else "", found)


def line_of(text: str, path: Path) -> int:
    """The line, from 1, in which a part of a JSON text begins; of what is not there, the nearest part around it.

    Args:
        text: Of sound JSON.
        path: Keys and places that lead to the part.
    """
    at = _value(text, 0)
    for step in path:
        inside = _inside(text, at, step)
        if inside is None:
            break
        at = inside
    return text.count("\n", 0, at) + 1


def _value(text: str, at: int) -> int:
    """Where the next value or key begins."""
    matched = _SPACE.match(text, at + (text[at : at + 1] == "\ufeff"))
    return at if matched is None else matched.end()


def _inside(text: str, at: int, step: str | int) -> int | None:
    """Where a member of the array or object at a place begins."""
    opened = text[at : at + 1]
    if opened not in {"{", "["}:
        return None
    decoder, number, found = json.JSONDecoder(), 0, None
    at = _value(text, at + 1)
    while text[at] not in "}]":
        key: str | int = number
        if opened == "{":
            key, end = scanstring(text, at + 1)
            at = _value(text, end)
        if key == step:
            found = at  # the last one counts, as it does for the parser
            if opened == "[":
                return found
        _, at = decoder.raw_decode(text, at)
        at, number = _value(text, at), number + 1
    return found
