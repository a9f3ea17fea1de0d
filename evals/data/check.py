"""Whether a file is usable: every record goes through the reader that the tasks use.

The readers stop at the first record that they cannot read. To find all of them, the lines are read by halves
until what cannot be read stands alone.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from types import MappingProxyType
from typing import Any

from agent.errors import DataError, InputError
from evals.data.catalogue import DataSet
from sem_plugins.training.sets import (
    counsel_chat,
    cssrs,
    emobank,
    emobench,
    emorynlp,
    empathetic_dialogues,
    empathic_reactions,
    epitome,
    esconv,
    goemotions,
    imhi,
    meld,
    peld,
    reccon,
    risk,
    se_emotions,
)
from sem_plugins.training.sets.records import sha256_of

__all__ = ["READERS", "Problem", "Report", "check", "origin", "parts_in"]


def _emotions_and_causes(folder: Path, part: str) -> None:
    reccon.dialogues(folder, part)
    reccon.targets(folder, part)


READERS: Mapping[str, Callable[[Path, str], object]] = MappingProxyType(
    {
        "esconv": esconv.supporter_turns,
        "empathetic_dialogues": empathetic_dialogues.dialogues,
        "reccon": _emotions_and_causes,
        "goemotions": goemotions.comments,
        "epitome": epitome.pairs,
        "emobank": emobank.sentences,
        "empathic_reactions": empathic_reactions.reactions,
        "dreaddit": risk.stress,
        "se_emotions": se_emotions.comments,
        "se_emotion_causes": se_emotions.causes,
        "cssrs_reddit": cssrs.pieces,
        "imhi": imhi.posts,
        "counsel_chat": counsel_chat.questions,
        "emobench": emobench.questions,
        "esconv_failed": partial(esconv.outcomes, failed=True),
        "meld": meld.dialogues,
        "emorynlp": emorynlp.dialogues,
        "peld": peld.triples,
    }
)
"""Set to its reader, of the data folder and the name of a part."""

_SCRATCH = "some"  # any name but `train`, for which some readers look into `valid` too
_LONGEST = 300  # characters of a reader's message
_SHOWN = 60  # characters of a value; it may be a person's words

Line = tuple[int, bytes]


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a file cannot be used: line, counted from 1, and what stands there."""

    line: int
    what: str


@dataclass(frozen=True, slots=True)
class Report:
    """What was found in a file.

    Attributes:
        file: `<set>/<part>.jsonl`.
        records: Its lines.
        sha256: Of the file.
        problems: What makes it unusable, by line.
        notes: What is odd and can be used.
    """

    file: str
    records: int
    sha256: str
    problems: tuple[Problem, ...]
    notes: tuple[str, ...]


def parts_in(folder: Path, data_set: DataSet) -> list[str]:
    """The parts of a set that are in the folder, those of the catalogue first."""
    found = {path.stem for path in (folder / data_set.name).glob("*.jsonl")}
    return [part for part in data_set.records if part in found] + sorted(found - set(data_set.records))


def check(folder: Path, data_set: DataSet, part: str) -> Report:
    """Read a file as the tasks do, and look for what their readers let pass.

    Args:
        folder: The data folder.
        data_set: Which set.
        part: Which file of it; it has to be there.
    """
    path = folder / data_set.name / f"{part}.jsonl"
    lines = list(enumerate(path.read_bytes().removesuffix(b"\n").split(b"\n"), start=1))
    if lines == [(1, b"")]:
        lines = []
    with TemporaryDirectory() as scratch:
        problems = list(_malformed(lines, data_set, Path(scratch)))
    unreadable = {problem.line for problem in problems}
    rows = [(number, json.loads(line)) for number, line in lines if number not in unreadable]
    problems += [*_ids(rows, data_set), *_out_of_range(rows, data_set)]
    if not lines:
        problems = [Problem(1, "the file is empty")]
    notes = [*_count(len(lines), data_set, part), *_empty_texts(rows, data_set)]
    return Report(
        f"{data_set.name}/{path.name}",
        len(lines),
        sha256_of(path),
        tuple(sorted(problems, key=lambda problem: problem.line)),
        tuple(notes),
    )


def origin(report: Report, trained_on: Mapping[str, str]) -> str:
    """Whether the weights know this very file; `trained_on` is file to SHA-256, as in the model card."""
    if report.file not in trained_on:
        return "not trained on"
    return "as trained on" if trained_on[report.file] == report.sha256 else "another version"


def _malformed(lines: Sequence[Line], data_set: DataSet, scratch: Path) -> Iterator[Problem]:
    error = _error_of(lines, data_set, scratch)
    if error is None:
        return
    if len(lines) == 1:
        yield Problem(lines[0][0], _what(error, lines[0][1], data_set))
        return
    middle = len(lines) // 2
    yield from _malformed(lines[:middle], data_set, scratch)
    yield from _malformed(lines[middle:], data_set, scratch)


def _error_of(lines: Sequence[Line], data_set: DataSet, scratch: Path) -> Exception | None:
    path = scratch / data_set.name / f"{_SCRATCH}.jsonl"
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(b"".join(line + b"\n" for _, line in lines))
    try:
        READERS[data_set.name](scratch, _SCRATCH)
    except (DataError, UnicodeDecodeError) as error:
        return error
    return None


def _what(error: Exception, line: bytes, data_set: DataSet) -> str:
    """Where in the line, and what was expected."""
    if isinstance(error, UnicodeDecodeError):
        return "not UTF-8"
    cause = error.__cause__
    if isinstance(cause, InputError):
        return f"not JSON: {cause}" if line.strip() else "an empty line"
    row = json.loads(line)
    if cause is None:
        return f"a JSON object is expected, found {type(row).__name__}"
    return _field(cause, row, data_set)


def _field(cause: BaseException, row: Mapping[str, Any], data_set: DataSet) -> str:
    """The same, of what a reader says of a record."""
    said = str(cause)
    if isinstance(cause, KeyError):
        key = cause.args[0]
        if key in data_set.keys:
            return f"`{key}` is missing, expected: {data_set.keys[key]}"
        for name in (name for name in data_set.keys if row.get(name) == key):
            return f"`{name}` is {_shown(key)}, expected: {data_set.keys[name]}"
    if said.startswith("could not convert") or "float()" in said:
        return f"a number is expected in each of {', '.join(f'`{name}`' for name in data_set.ranges)}"
    if isinstance(cause, ValueError) or said.startswith("`"):
        return said if len(said) <= _LONGEST else f"{said[:_LONGEST]}…"
    expected = "; ".join(f"`{key}`: {meaning}" for key, meaning in data_set.keys.items())
    return f"not in the form of a record ({type(cause).__name__}), expected: {expected}"


def _ids(rows: Sequence[tuple[int, Any]], data_set: DataSet) -> Iterator[Problem]:
    first: dict[str, int] = {}
    for number, row in rows:
        name = row.get(data_set.id)
        if not isinstance(name, str):
            yield Problem(number, f"`{data_set.id}` is {_shown(name)}, expected: a string")
        elif first.setdefault(name, number) != number:
            yield Problem(number, f"`{data_set.id}` {_shown(name)} stands on line {first[name]} too")


def _out_of_range(rows: Sequence[tuple[int, Any]], data_set: DataSet) -> Iterator[Problem]:
    for number, row in rows:
        for key, (low, high) in data_set.ranges.items():
            if not low <= float(row[key]) <= high:  # NaN is not either
                yield Problem(number, f"`{key}` is {row[key]!r}, expected: {data_set.keys[key]}")


def _count(found: int, data_set: DataSet, part: str) -> Iterator[str]:
    if part not in data_set.records:
        yield f"not a part that is known: {', '.join(data_set.records)}"
    elif data_set.records[part] != found:
        yield f"{data_set.records[part]:,} records were published"


def _empty_texts(rows: Sequence[tuple[int, Any]], data_set: DataSet) -> Iterator[str]:
    for place in data_set.texts:
        empty = [number for number, row in rows if any(not text.strip() for text in _texts(row, place.split(".")))]
        if empty:
            yield f"`{place}` is empty in {len(empty):,} of the records, first on line {empty[0]}"


def _texts(value: Any, path: Sequence[str]) -> Iterator[str]:
    if isinstance(value, list):
        for one in value:
            yield from _texts(one, path)
    elif path:
        yield from _texts(value.get(path[0], "") if isinstance(value, dict) else "", path[1:])
    else:
        yield str(value)


def _shown(value: object) -> str:
    shown = repr(value)
    return shown if len(shown) <= _SHOWN else f"{shown[:_SHOWN]}…"
