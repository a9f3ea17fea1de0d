"""Sets from their authors' files: fetched, checked, converted, written."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from tarfile import TarError
from tempfile import TemporaryDirectory
from types import MappingProxyType

from agent.errors import DataError
from evals.data import dialogues, texts
from evals.data.catalogue import TEST, DataSet
from evals.data.dialogues import Files, Row
from evals.data.download import Opener, download

__all__ = ["CONVERTERS", "fetch", "instructions", "missing_parts"]

CONVERTERS: Mapping[str, Callable[[Files, str], Iterable[Row]]] = MappingProxyType(
    {
        "esconv": dialogues.esconv,
        "esconv_failed": dialogues.esconv_failed,
        "empathetic_dialogues": dialogues.empathetic_dialogues,
        "reccon": dialogues.reccon,
        "goemotions": texts.goemotions,
        "epitome": texts.epitome,
        "emobank": texts.emobank,
    }
)
"""Set to what makes the records of a part of its source files."""

_OTHER_FORM = (LookupError, TypeError, ValueError, AttributeError, EOFError, OSError, TarError, csv.Error)


def missing_parts(folder: Path, data_set: DataSet, *, with_test: bool) -> tuple[str, ...]:
    """The parts that are not in the folder; the test part counts only where it is asked for."""
    return tuple(
        part
        for part in data_set.records
        if (with_test or part != TEST) and not (folder / data_set.name / f"{part}.jsonl").exists()
    )


def fetch(folder: Path, data_set: DataSet, parts: tuple[str, ...], *, opener: Opener) -> list[Path]:
    """Fetch the sources of some parts, convert them, and write `<folder>/<set>/<part>.jsonl`.

    The source files are not kept: some of them hold the test part too.

    Raises:
        DataError: A source cannot be fetched, is not the published file, or is not in the form that it had.
    """
    convert = CONVERTERS[data_set.name]
    with TemporaryDirectory() as scratch:
        sources = data_set.sources_of(frozenset(parts))
        files = {source.name: download(source, Path(scratch), opener=opener) for source in sources}
        try:
            rows = {part: list(convert(files, part)) for part in parts}
        except _OTHER_FORM as error:
            raise DataError(
                f"The source of `{data_set.name}` ({', '.join(files)}) is not in the form that was published "
                f"({type(error).__name__}). Compare with {data_set.home}."
            ) from error
    return [_write(folder / data_set.name / f"{part}.jsonl", made) for part, made in rows.items()]


def instructions(data_set: DataSet) -> str:
    """What to do by hand for a set that has no converter."""
    lines = [
        f"`{data_set.name}` is not fetched: it has no converter. By hand:",
        "1. Fetch:",
        *(f"     {source.url}" for source in data_set.sources),
        f"   described at {data_set.home}",
        f"2. Parts: {data_set.split}.",
        "3. Write, one JSON object a line, UTF-8:",
        *(f"     {data_set.name}/{part}.jsonl ({count:,} records)" for part, count in _shown_parts(data_set)),
        "   with these keys:",
        *(f"     {key}: {meaning}" for key, meaning in data_set.keys.items()),
        f"4. Check: heartline data verify {data_set.name}",
    ]
    return "\n".join(lines)


def _shown_parts(data_set: DataSet) -> list[tuple[str, int]]:
    return [(part, count) for part, count in data_set.records.items() if part != TEST]


def _write(path: Path, rows: list[Row]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".part")
    partial.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return partial.replace(path)
