"""The risk plugin, first form: explicit first-person statements, found by rule.

It sees what is said outright in the current message, in English. It does not see what is veiled,
and it is no assessment of anybody. The rules are data: `rules.toml`.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from itertools import chain
from typing import Any, get_args

from agent.readings import RiskLevel, RiskReading
from agent.turn import Turn

__all__ = ["RiskPlugin", "create"]

_LADDER: tuple[RiskLevel, ...] = get_args(RiskLevel)
_DANGER = frozenset({"ideation", "plan", "acute"})
_HOLDS = 3  # messages

_JUST_BEFORE = r"[\s\"]*$"
_REACH = 80  # characters before a match; what softens it stands closer
_BLANK = "\0"  # neither a word nor white space: no pattern matches across it


@dataclass(frozen=True, slots=True)
class _Rule:
    level: RiskLevel
    kind: str
    pattern: re.Pattern[str]
    softened: re.Pattern[str]


@dataclass(frozen=True, slots=True)
class _Rules:
    rules: tuple[_Rule, ...]
    idiom: re.Pattern[str]


@cache
def _rules() -> _Rules:
    raw = tomllib.loads(files("sem_plugins.risk").joinpath("rules.toml").read_text(encoding="utf-8"))
    words, softened = raw["words"], raw["softened"]
    return _Rules(
        rules=tuple(
            _Rule(
                rule["level"],
                rule["kind"],
                _any(rule["patterns"], words),
                _any([*chain(*(softened[name] for name in rule["softened_by"]))], words, end=_JUST_BEFORE),
            )
            for rule in raw["rule"]
        ),
        idiom=_any(raw["idiom"]["patterns"], words),
    )


def _any(patterns: Sequence[str], words: Mapping[str, str], *, end: str = r"(?!\w)") -> re.Pattern[str]:
    """One pattern for all, written out as the head of `rules.toml` says."""
    whole = "|".join(f"(?:{pattern})" for pattern in patterns)
    for name, expansion in reversed([*words.items()]):  # a word may be made of words above it
        whole = whole.replace(f"{{{name}}}", expansion)
    whole = re.sub(r" (?!\?)", r"\\s+", whole)  # " ?" stays: an optional space
    return re.compile(rf"(?<!\w)(?:{whole}){end}", re.IGNORECASE)


class RiskPlugin:
    """Reads the highest step of the risk ladder that the message states.

    What one of the three messages before it stated still holds: a person who has just spoken of
    dying is not out of danger because the next message is about something else. The evidence is of
    the message itself, and may then be empty.
    """

    name = "risk"
    reads = frozenset({"text", "history"})
    writes = "risk"

    def __call__(self, turns: Sequence[Turn]) -> Sequence[RiskReading]:
        """One reading per turn."""
        return [_with_recent(turn) for turn in turns]


def _with_recent(turn: Turn) -> RiskReading:
    now = _read(turn.text)
    recent = [_read(text) for text in turn.said_by("seeker")[-_HOLDS:]]
    worst = max(recent, key=lambda reading: _LADDER.index(reading.level), default=now)
    if worst.level not in _DANGER or _LADDER.index(now.level) >= _LADDER.index(worst.level):
        return now
    kinds = tuple(dict.fromkeys((*now.kinds, *worst.kinds)))
    return RiskReading(worst.level, kinds, now.evidence, source="rules, said before")


def _read(text: str) -> RiskReading:
    rules = _rules()
    # Character for character, so that spans of the plain text are spans of the text.
    plain = rules.idiom.sub(lambda match: _BLANK * len(match[0]), text.translate(_QUOTES))
    level: RiskLevel = "none"
    kinds: dict[str, None] = {}
    evidence: set[tuple[int, int]] = set()
    for rule in rules.rules:
        for match in rule.pattern.finditer(plain):
            start = match.start()
            denied = rule.softened.search(plain, max(0, start - _REACH), start)
            found = "distress" if denied else rule.level
            if _LADDER.index(found) > _LADDER.index(level):
                level = found
            kinds[rule.kind] = None
            evidence.add(match.span())
    return RiskReading(level, tuple(kinds), tuple(sorted(evidence)), source="rules")


_QUOTES = str.maketrans("\u2019\u2018\u02bc\u00b4`\u201c\u201d", "'''''\"\"")


def create(settings: Any = None) -> RiskPlugin:  # noqa: ARG001 - every part is made with the settings
    """Entry point `risk`."""
    return RiskPlugin()
