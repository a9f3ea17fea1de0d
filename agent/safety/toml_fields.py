"""Reading tables of a TOML file strictly: every complaint names the file, the table, the key and the cure."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import date
from importlib.resources import files
from pathlib import Path
from typing import Any

from agent.errors import DataError, SettingsError

__all__ = ["Fields", "any_of", "expanded", "read_toml", "shipped_toml"]

_ADDRESS = re.compile(r"https?://[^\s<>|\"']+")
# Line breaks and marks of chat formats could be taken for something else where the words are shown or sent on.
_PLAIN = re.compile(r"[^\n\r<>{}|]*\S[^\n\r<>{}|]*")


def any_of(patterns: Iterable[str], words: Mapping[str, str]) -> str:
    """One pattern for several, between word boundaries, with `{name}` expanded from `words`."""
    whole = expanded("|".join(f"(?:{pattern})" for pattern in patterns), words)
    return rf"(?<![\w'])(?:{whole})(?!\w)"


def expanded(pattern: str, words: Mapping[str, str]) -> str:
    """A pattern with `{name}` expanded from `words`; a word may be made of words above it."""
    for name, expansion in reversed([*words.items()]):
        pattern = pattern.replace(f"{{{name}}}", expansion)
    return pattern


def read_toml(path: Path, *, kind: str) -> Mapping[str, Any]:
    """The content of a TOML file.

    Args:
        path: Where it lies.
        kind: What it is, for complaints, e.g. `"policy"`.

    Raises:
        SettingsError: It cannot be read, or is not TOML.
    """
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        problem = f"cannot be read: {error.strerror}"
    except RecursionError:
        problem = "is nested too deeply"
    except ValueError as error:  # TOML, UTF-8, or a path with a NUL in it
        problem = f"is not valid TOML: {error}"
    raise SettingsError(f"The {kind} file {str(path)!r} {problem}. Name another one, or mend it.")


def shipped_toml(name: str) -> Mapping[str, Any]:
    """The content of a file that comes with this package.

    Raises:
        DataError: It is missing or damaged.
    """
    try:
        return tomllib.loads(files("agent.safety").joinpath(name).read_text(encoding="utf-8"))
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise DataError(f"agent/safety/{name} cannot be read. Install the package again.") from error


class Fields:
    """One table, read key by key.

    Args:
        content: What TOML gave for the table.
        where: File and table, for complaints, e.g. `"the file 'x.toml', table `wording`"`.
        needed: Keys that it must have.
        optional: Keys that it may have besides; others are refused, for a misspelt key would be lost in silence.

    Raises:
        SettingsError: It is no table, lacks a key or has one that means nothing. So do all methods where a value
            is not what they give.
    """

    def __init__(
        self, content: object, *, where: str, needed: Collection[str], optional: Collection[str] = ()
    ) -> None:
        keys = (*needed, *optional)
        if not isinstance(content, Mapping):
            raise SettingsError(f"{where}: this is {content!r}; it should be a table with {', '.join(keys)}.")
        if unknown := sorted(content.keys() - set(keys)):
            raise SettingsError(f"{where}: {unknown!r} mean nothing. It holds: {', '.join(keys)}.")
        if missing := [key for key in needed if key not in content]:
            raise SettingsError(f"{where}: {missing!r} are missing. It holds: {', '.join(keys)}.")
        self._content = content
        self.where = where

    def text(self, key: str, *, longest: int = 400, pattern: re.Pattern[str] = _PLAIN, wanted: str = "") -> str:
        """Words on one line, of at most `longest` characters."""
        value = self._content[key]
        if not isinstance(value, str) or len(value) > longest or not pattern.fullmatch(value):
            raise self._wrong(key, value, wanted or f"plain words on one line, at most {longest} characters")
        return value

    def text_or_none(self, key: str, **how: Any) -> str | None:
        """The same; None where the key is left out, which says that it is not known or does not exist."""
        return self.text(key, **how) if key in self._content else None

    def address(self, key: str) -> str:
        """A web address."""
        return self.text(key, pattern=_ADDRESS, wanted="a web address that begins with https:// or http://")

    def address_or_none(self, key: str) -> str | None:
        """The same; None where the key is left out."""
        return self.address(key) if key in self._content else None

    def addresses(self, key: str, *, least: int = 1) -> tuple[str, ...]:
        """A list of at least `least` web addresses."""
        return self._each(key, _ADDRESS, f"a list of web addresses, at least {least}", least=least)

    def texts(
        self,
        key: str,
        *,
        pattern: re.Pattern[str] = _PLAIN,
        wanted: str = "a list of plain sentences",
        least: int = 0,
    ) -> tuple[str, ...]:
        """A list of words, each on one line; () where the key is left out and none is needed."""
        return self._each(key, pattern, wanted, least=least) if least or key in self._content else ()

    def choices(self, key: str, among: Collection[str], *, least: int = 1) -> tuple[str, ...]:
        """Several of a closed set, none twice."""
        values = self.texts(key, wanted=f"a list of {', '.join(among)}", least=least)
        if not set(values) <= set(among) or len(set(values)) < len(values):
            raise self._wrong(key, list(values), f"a list of these, none twice: {', '.join(among)}")
        return values

    def day(self, key: str) -> date:
        """A date without a time."""
        value = self._content[key]
        if type(value) is not date:  # a datetime is a date too, and cannot be compared with one
            raise self._wrong(key, value, "a date such as 2026-11-28, without quotes")
        return value

    def day_or_none(self, key: str) -> date | None:
        """The same; None where the key is left out."""
        return self.day(key) if key in self._content else None

    def whole(self, key: str, *, low: int, high: int) -> int:
        """A whole number from `low` to `high`."""
        value = self._content[key]
        if type(value) is not int or not low <= value <= high:
            raise self._wrong(key, value, f"a whole number from {low} to {high}")
        return value

    def whole_or_none(self, key: str, *, low: int, high: int) -> int | None:
        """The same; None where the key is left out."""
        return self.whole(key, low=low, high=high) if key in self._content else None

    def flag(self, key: str) -> bool:
        """True or false."""
        value = self._content[key]
        if not isinstance(value, bool):
            raise self._wrong(key, value, "true or false")
        return value

    def tables(self, key: str) -> Iterator[object]:
        """A list of tables, each still to be read; none where the key is left out."""
        value = self._content.get(key, [])
        if not isinstance(value, list):
            raise self._wrong(key, value, "a list of tables")
        yield from value

    def table(self, key: str) -> object:
        """A table within, still to be read."""
        return self._content[key]

    def _each(self, key: str, pattern: re.Pattern[str], wanted: str, *, least: int) -> tuple[str, ...]:
        values = self._content[key]
        sound = isinstance(values, list) and len(values) >= least
        if not sound or not all(isinstance(value, str) and pattern.fullmatch(value) for value in values):
            raise self._wrong(key, values, wanted)
        return tuple(values)

    def _wrong(self, key: str, value: object, wanted: str) -> SettingsError:
        return SettingsError(f"{self.where}: `{key}` is {value!r}; it should be {wanted}.")
