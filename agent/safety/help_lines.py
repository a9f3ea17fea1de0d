"""Help lines and emergency numbers per country: bundled, dated, each with its source, readable without a network.

`help_lines.toml` beside this module holds them. Whoever has access to a verified directory registers what makes an
object with the shape of `Directory` under `heartline.directories`, and names it in the setting `help_lines`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal, Protocol, cast, get_args, runtime_checkable

from agent.errors import SettingsError, WiringError
from agent.registry import make
from agent.safety.toml_fields import Fields, read_toml

__all__ = [
    "KINDS",
    "UNKNOWN",
    "BundledDirectory",
    "Country",
    "Directory",
    "HelpLine",
    "Kind",
    "create",
    "directory_of",
    "load_help_lines",
    "urging",
]

Kind = Literal["suicide", "distress", "abuse", "eating", "youth", "lgbtq", "veterans"]
"""What or whom a line is for. "distress" is a line for any trouble of the mind."""

KINDS: tuple[Kind, ...] = get_args(Kind)

UNKNOWN = "ZZ"
"""Code of the entry for a place that is not known or not listed (ISO 3166 leaves it to its users)."""

_FILE = Path(__file__).parent / "help_lines.toml"
_shipped = cache(lambda: load_help_lines(_FILE))  # every agent has them
_ALIASES = {"UK": "GB"}  # what people write for the United Kingdom; ISO keeps UK free for that
_CODE = re.compile(r"[A-Z]{2}")
_ID = re.compile(r"[a-z][a-z0-9-]{1,39}")
# A number as it is dialled, with the few words that belong to it: "988, then press 1", "START to 88788".
_NUMBER = re.compile(r"(?=[^0-9]*[0-9])[A-Za-z0-9+*#][A-Za-z0-9 ,;:.+*#()/-]*")
_NUMBERS = "a number as it is dialled, e.g. 988 or START to 88788"
_LANGUAGE = re.compile(r"[a-z]{2,3}")
_NEEDED = ("id", "name", "kinds", "source", "evidence", "checked")
_WAYS = ("call", "text", "chat", "web")
_OPTIONAL = (*_WAYS, "hours", "languages", "note")


@dataclass(frozen=True, slots=True)
class HelpLine:
    """A service that listens.

    Attributes:
        id: Short name, the same over the years, e.g. `"us-988"`.
        name: What it calls itself.
        kinds: What or whom it is for.
        source: Its own address.
        evidence: Pages where its facts were read.
        checked: When they were.
        call: Number to call; None: it is not reached so, or that is not known. So with the next three.
        text: Number to write to, with the word to send where one is wanted.
        chat: Address with a chat.
        web: Address that leads further, of a finder.
        hours: When somebody answers; None: not known.
        languages: ISO 639 codes; (): not known.
        note: What else a person should know.
    """

    id: str
    name: str
    kinds: tuple[Kind, ...]
    source: str
    evidence: tuple[str, ...]
    checked: date
    call: str | None = None
    text: str | None = None
    chat: str | None = None
    web: str | None = None
    hours: str | None = None
    languages: tuple[str, ...] = ()
    note: str | None = None

    def __str__(self) -> str:
        """All ways to reach it in one line, e.g. "Samaritans: call 116 123 (24 hours, every day)"."""
        ways = [
            f"{verb} {way}"
            for verb, way in (("call", self.call), ("text", self.text), ("chat at", self.chat), ("see", self.web))
            if way
        ]
        hours = f" ({self.hours})" if self.hours else ""
        return f"{self.name}: {', '.join(ways)}{hours}"


@dataclass(frozen=True, slots=True)
class Country:
    """What there is in a country.

    Attributes:
        code: ISO 3166-1 alpha-2, or `UNKNOWN`.
        name: In English.
        words: What to do when life is in danger, in one sentence.
        emergency: Emergency numbers, the one for an ambulance first; () where the country is not known.
        lines: Its help lines, the most general first.
        evidence: Pages where the emergency numbers were read.
        checked: When they were; None where there are none.
    """

    code: str
    name: str
    words: str
    emergency: tuple[str, ...]
    lines: tuple[HelpLine, ...]
    evidence: tuple[str, ...] = ()
    checked: date | None = None

    def lines_of(self, *kinds: Kind) -> tuple[HelpLine, ...]:
        """Those for any of `kinds`, in the order of the file; the lines for anybody where there is none."""
        wanted: set[Kind] = set(kinds)
        found = tuple(line for line in self.lines if wanted & set(line.kinds))
        return found or tuple(line for line in self.lines if {"suicide", "distress"} & set(line.kinds))


@runtime_checkable
class Directory(Protocol):
    """Where help lines come from: the bundled file, or a verified directory of somebody else's."""

    @property
    def name(self) -> str:
        """For records."""
        ...

    def country(self, code: str | None) -> Country:
        """What there is in a country; general words where it is not known. Never raises: somebody waits."""
        ...


@dataclass(frozen=True)
class BundledDirectory:
    """The help lines of a file, held in memory.

    Attributes:
        countries: By code, `UNKNOWN` among them.
        stale_after_days: After how many days a checked fact counts as stale.
        name: For records.
    """

    countries: Mapping[str, Country]
    stale_after_days: int
    name: str = "bundled"

    def country(self, code: str | None) -> Country:
        """The country with this code, in capitals or not; the entry for an unknown one for anything else."""
        code = (code or UNKNOWN).strip().upper()
        return self.countries.get(_ALIASES.get(code, code), self.countries[UNKNOWN])

    def stale(self, today: date) -> tuple[HelpLine, ...]:
        """Lines that were checked longer ago than `stale_after_days`, or on a day that is still to come."""
        lines = (line for country in self.countries.values() for line in country.lines)
        return tuple(line for line in lines if self._is_stale(line.checked, today))

    def warning(self, today: date) -> str | None:
        """A sentence for the operator that names what is stale; None where nothing is."""
        lines = self.stale(today)
        numbers = [
            country.code
            for country in self.countries.values()
            if country.checked is not None and self._is_stale(country.checked, today)
        ]
        if not lines and not numbers:
            return None
        named = ", ".join((*(line.id for line in lines), *(f"emergency numbers of {code}" for code in numbers)))
        return (
            f"{len(lines)} help lines and the emergency numbers of {len(numbers)} countries were not checked in"
            f" the last {self.stale_after_days} days. A wrong number can cost a life: look each up at its source,"
            f" mend `help_lines.toml` and set `checked`. They are: {named}."
        )

    def _is_stale(self, checked: date, today: date) -> bool:
        # A day to come cannot be true, and would silence the warning for as long as one likes.
        return checked > today or today - checked > timedelta(days=self.stale_after_days)


def load_help_lines(path: Path | None = None) -> BundledDirectory:
    """The bundled help lines, or those of a file of your own that is built alike.

    Raises:
        SettingsError: The file is no such file; file, country, key and value are named.
    """
    if path is None:
        return _shipped()
    where = f"The help-line file {str(path)!r}"
    needed = ("stale_after_days", "unknown", "countries")
    top = Fields(read_toml(path, kind="help-line"), where=where, needed=needed)
    found = [*(_country(each, where) for each in top.tables("countries")), _unknown(top.table("unknown"), where)]
    for what, names in (
        ("countries", [country.code for country in found]),
        ("lines", [line.id for country in found for line in country.lines]),
    ):
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise SettingsError(f"{where}: there are several {what} called {twice!r}; each needs its own name.")
    countries = MappingProxyType({country.code: country for country in found})
    return BundledDirectory(countries, top.whole("stale_after_days", low=1, high=3650))


def urging(numbers: Sequence[str]) -> str:
    """What a country's `words` are, unless its directory says it otherwise.

    Args:
        numbers: Emergency numbers, at least one.
    """
    return f"If life is in danger, call {' or '.join(numbers)} now."


def directory_of(settings: Any = None) -> Directory:
    """The directory that the setting `help_lines` names: by a registered name, or by the path of a TOML file.

    Raises:
        SettingsError: Nothing has this name, or the file is no help-line file.
        WiringError: What has the name is no directory, or cannot be imported.
    """
    named = getattr(settings, "help_lines", None)
    if named is None or _is_path(str(named)):
        return load_help_lines(None if named is None else Path(named))
    directory = make("directories", str(named), settings)
    if not isinstance(directory, Directory):
        raise WiringError(
            f"The directory {named!r} made a {type(directory).__name__}, which has no `name` or no `country`. "
            "See `agent.safety.help_lines.Directory`, or leave `help_lines` out to take the shipped lines."
        )
    return directory


def _is_path(named: str) -> bool:
    path = Path(named)
    return bool(path.suffix) or len(path.parts) > 1


def create(settings: Any = None) -> BundledDirectory:  # noqa: ARG001 - whoever makes parts passes it
    """Entry point `bundled`: the shipped help lines."""
    return load_help_lines()


def _country(content: object, where: str) -> Country:
    code = content.get("code") if isinstance(content, dict) else None
    where = f"{where}, country {code!r}"
    fields = Fields(content, where=where, needed=("code", "name", "lines", "emergency", "evidence", "checked"))
    numbers = fields.texts("emergency", pattern=_NUMBER, wanted=f"a list of numbers, each {_NUMBERS}", least=1)
    lines = tuple(_line(line, where) for line in fields.tables("lines"))
    if not lines:
        raise SettingsError(f"{where}: it has no lines. Add one, or leave the country out.")
    return Country(
        code=fields.text("code", pattern=_CODE, wanted="two capital letters as in ISO 3166-1, e.g. NZ"),
        name=fields.text("name", longest=60),
        words=urging(numbers),
        emergency=numbers,
        lines=lines,
        evidence=fields.addresses("evidence"),
        checked=fields.day("checked"),
    )


def _unknown(content: object, where: str) -> Country:
    where = f"{where}, table `unknown`"
    fields = Fields(content, where=where, needed=("name", "words", "lines"))
    lines = tuple(_line(line, where) for line in fields.tables("lines"))
    if not lines:
        raise SettingsError(f"{where}: it has no lines. Add an international finder.")
    return Country(UNKNOWN, fields.text("name", longest=60), fields.text("words"), (), lines)


def _line(content: object, where: str) -> HelpLine:
    name = content.get("id") if isinstance(content, dict) else None
    fields = Fields(content, where=f"{where}, line {name!r}", needed=_NEEDED, optional=_OPTIONAL)
    line = HelpLine(
        id=fields.text("id", pattern=_ID, wanted="2 to 40 small letters, digits and hyphens"),
        name=fields.text("name", longest=80),
        kinds=cast("tuple[Kind, ...]", fields.choices("kinds", KINDS)),
        source=fields.address("source"),
        evidence=fields.addresses("evidence"),
        checked=fields.day("checked"),
        call=fields.text_or_none("call", longest=80, pattern=_NUMBER, wanted=_NUMBERS),
        text=fields.text_or_none("text", longest=80, pattern=_NUMBER, wanted=_NUMBERS),
        chat=fields.address_or_none("chat"),
        web=fields.address_or_none("web"),
        hours=fields.text_or_none("hours", longest=120),
        languages=fields.texts("languages", pattern=_LANGUAGE, wanted='a list of ISO 639 codes such as "en"'),
        note=fields.text_or_none("note", longest=200),
    )
    if not any((line.call, line.text, line.chat, line.web)):
        raise SettingsError(f"{fields.where}: there is no way to reach it. Give one of {', '.join(_WAYS)}.")
    return line
