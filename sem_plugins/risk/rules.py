"""Explicit statements of danger, found by rule. The rules are data: `rules.toml`.

They see what is said outright in one message, in English: few statements, and hardly ever a false one.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import get_args

from agent.readings import DANGER, RiskLevel, RiskReading

__all__ = [
    "LADDER",
    "TO_OTHERS",
    "is_jest",
    "is_long_ago",
    "read_rules",
    "tells_of_the_past",
    "without_regret",
    "without_softened",
]

LADDER: tuple[RiskLevel, ...] = get_args(RiskLevel)

TO_OTHERS = "harm-to-others"
"""The kind of danger that has a ladder of its own."""

_JUST_BEFORE = r"[\s\"]*$"
_REACH = 80  # characters before a match; what softens it stands closer
_BLANK = "\0"  # neither a word nor white space: no pattern matches across it


@dataclass(frozen=True, slots=True)
class _Rule:
    level: RiskLevel
    kind: str
    pattern: re.Pattern[str]
    softened: tuple[re.Pattern[str], ...]
    suspected: bool  # it is asked about before it is believed
    denial: bool  # what it finds is one


@dataclass(frozen=True, slots=True)
class _Rules:
    rules: tuple[_Rule, ...]
    idiom: re.Pattern[str]
    regret: re.Pattern[str]
    present: re.Pattern[str]
    long_ago: re.Pattern[str]
    hedge: re.Pattern[str]
    jest: re.Pattern[str]


@cache
def _rules() -> _Rules:
    raw = tomllib.loads(files("sem_plugins.risk").joinpath("rules.toml").read_text(encoding="utf-8"))
    words = raw["words"]
    # Each by itself, since most rules share it.
    softened = {name: _any(patterns, words, end=_JUST_BEFORE) for name, patterns in raw["softened"].items()}
    return _Rules(
        rules=tuple(
            _Rule(
                rule["level"],
                rule["kind"],
                _any(rule["patterns"], words),
                tuple(softened[name] for name in rule["softened_by"]),
                rule.get("suspected", False),
                rule.get("denial", False),
            )
            for rule in raw["rule"]
        ),
        idiom=_any(raw["idiom"]["patterns"], words),
        regret=_any(raw["regret"]["patterns"], words),
        present=_any(raw["present"]["patterns"], words),
        long_ago=_any(raw["long_ago"]["patterns"], words),
        hedge=_any(raw["hedge"]["patterns"], words),
        jest=_any(raw["jest"]["patterns"], words),
    )


def _any(patterns: Sequence[str], words: Mapping[str, str], *, end: str = r"(?!\w)") -> re.Pattern[str]:
    """One pattern for all, written out as the head of `rules.toml` says."""
    whole = "|".join(f"(?:{pattern})" for pattern in patterns)
    for name, expansion in reversed([*words.items()]):  # a word may be made of words above it
        whole = whole.replace(f"{{{name}}}", expansion)
    whole = re.sub(r" (?!\?)", r"\\s+", whole)  # " ?" stays: an optional space
    return re.compile(rf"(?<!\w)(?:{whole}){end}", re.IGNORECASE)


def read_rules(text: str) -> RiskReading:
    """The highest step that the text states, and the words that state it; not sure where they need not mean it."""
    rules = _rules()
    # Character for character, so that spans of the plain text are spans of the text.
    plain = rules.idiom.sub(lambda match: _BLANK * len(match[0]), text.translate(_QUOTES))
    steps: dict[str, RiskLevel] = {}
    evidence: set[tuple[int, int]] = set()
    stated: list[RiskLevel] = []
    for rule in rules.rules:
        for match in rule.pattern.finditer(plain):
            start = match.start()
            denied = any(each.search(plain, max(0, start - _REACH), start) for each in rule.softened)
            found: RiskLevel = "distress" if denied else rule.level
            steps[rule.kind] = max(steps.get(rule.kind, "none"), found, key=LADDER.index)
            evidence.add(match.span())
            stated += [] if rule.suspected else [found]
    level: RiskLevel = max(steps.values(), default=LADDER[0], key=LADDER.index)
    others = steps.get(TO_OTHERS, LADDER[0])
    sure = level not in DANGER or not DANGER.isdisjoint(stated)
    return RiskReading(level, tuple(steps), tuple(sorted(evidence)), source="rules", others=others, sure=sure)


def tells_of_the_past(text: str, reading: RiskReading) -> bool:
    """Whether the rules found ideation, no more and towards nobody else, of which nothing is said of now or later.

    Args:
        text: What was read.
        reading: By `read_rules`.
    """
    found = [text[start:end].translate(_QUOTES) for start, end in reading.evidence]
    alone = reading.level == "ideation" and reading.others == LADDER[0]
    return alone and not any(_rules().present.search(one) for one in found)


def is_long_ago(text: str) -> bool:
    """Whether the text says that years lie between what it tells and now."""
    return _rules().long_ago.search(text.translate(_QUOTES)) is not None


def is_jest(text: str) -> bool:
    """Whether somebody laughs as they write it."""
    return _rules().jest.search(text.translate(_QUOTES)) is not None


def without_regret(text: str) -> str | None:
    """The text without wishes that one had done otherwise; None where there are none."""
    rest, found = _rules().regret.subn(" . ", text.translate(_QUOTES))
    return rest if found else None


def without_softened(text: str, reading: RiskReading) -> str | None:
    """The text without what the rules know as denied, told by somebody else, or long past; None where there is
    nothing of that, distress is told beside it, or the denial is half of one ("I won't kill myself tonight").

    Args:
        text: What was read.
        reading: By `read_rules`.
    """
    rules, plain = _rules(), text.translate(_QUOTES)
    if reading.level != "distress" or not reading.evidence or rules.hedge.search(plain):
        return None
    if any(rule.level == "distress" and not rule.denial and rule.pattern.search(plain) for rule in rules.rules):
        return None
    rest, last = [], 0
    for start, end in reading.evidence:
        rest.append(text[last:start])
        last = max(last, end)
    return " ".join([*rest, text[last:]]).strip(" ,.;:") or "."


_QUOTES = str.maketrans("\u2019\u2018\u02bc\u00b4`\u201c\u201d", "'''''\"\"")
