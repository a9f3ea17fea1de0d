"""Which sets there are: what they label, where they come from, on which terms, and what a record holds."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Any
from urllib.parse import unquote, urlsplit

from agent.errors import DataError

__all__ = ["TEST", "DataSet", "Source", "data_set", "data_sets"]

TEST = "test"
"""The part that is fetched on request only."""


@dataclass(frozen=True, slots=True)
class Source:
    """A file as its authors published it.

    Attributes:
        url: Its address; that of a page where there is no file to fetch.
        parts: The parts that are made of it; none named: all.
        bytes: Its size, where it is known.
        sha256: Of the file, where it is known; else the commit in the address says which it is.
    """

    url: str
    parts: tuple[str, ...] = ()
    bytes: int | None = None
    sha256: str | None = None

    @property
    def name(self) -> str:
        """Of the file."""
        return unquote(urlsplit(self.url).path.rpartition("/")[2])


@dataclass(frozen=True, slots=True)
class DataSet:
    """One set of `sets.toml`.

    Attributes:
        name: Of its folder.
        labels: What it labels, in a few words.
        licence: Name of the licence, or what is known of the terms.
        licence_url: Where they stand.
        home: Page of its authors.
        citation: Whom to cite.
        split: How the parts were made.
        id: Key of a record that no other record of the file shares.
        texts: Where texts stand, e.g. `turns.text`.
        keys: Key of a record to what it holds.
        records: Part to its number of records.
        sources: The files it is made of.
        ranges: Key to its lowest and highest number.
    """

    name: str
    labels: str
    licence: str
    licence_url: str
    home: str
    citation: str
    split: str
    id: str
    texts: tuple[str, ...]
    keys: Mapping[str, str]
    records: Mapping[str, int]
    sources: tuple[Source, ...]
    ranges: Mapping[str, tuple[float, float]] = field(default_factory=dict)

    def sources_of(self, parts: frozenset[str]) -> tuple[Source, ...]:
        """The files that these parts are made of."""
        return tuple(source for source in self.sources if not source.parts or parts & set(source.parts))


@cache
def data_sets() -> Mapping[str, DataSet]:
    """Name to set, in the order of `sets.toml`."""
    rows = tomllib.loads(files("evals.data").joinpath("sets.toml").read_text(encoding="utf-8"))
    return {name: _data_set(name, row) for name, row in rows.items()}


def data_set(name: str) -> DataSet:
    """The set of that name.

    Raises:
        DataError: There is none.
    """
    if name not in data_sets():
        raise DataError(f"No data set {name!r}. Sets: {', '.join(data_sets())}.")
    return data_sets()[name]


def _data_set(name: str, row: Mapping[str, Any]) -> DataSet:
    sources = tuple(Source(**{**one, "parts": tuple(one.get("parts", ()))}) for one in row["sources"])
    ranges = {key: (low, high) for key, (low, high) in row.get("ranges", {}).items()}
    return DataSet(name, **{**row, "texts": tuple(row["texts"]), "sources": sources, "ranges": ranges})
