"""Chooses the sentences of the protocol and fills their slots: the person's own plain words, a help line, the
emergency number."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Literal

from agent.choice import Chooser
from agent.safety.answered import answer_to, answers
from agent.safety.course import RiskCourse
from agent.safety.help_lines import UNKNOWN, Country, HelpLine
from agent.turn import Turn

__all__ = ["EMERGENCY", "NAMING", "LinesFor", "Wording"]

LinesFor = Literal["anybody", "abuse", "child"]
"""Whose help lines are named: anybody's in distress, those about violence at home, or those for children."""

EMERGENCY = "emergency"
"""The act, and what stands for the number among the ids of help lines that were named."""

NAMING: Mapping[str, str] = MappingProxyType({"lines": "lines_unknown", EMERGENCY: "emergency_unknown"})
"""Acts that name help, each with the list of sentences that speaks of it in general words."""

_FOR_ANYBODY = frozenset({"suicide", "distress"})
_FOR_CHILDREN = frozenset({"youth", *_FOR_ANYBODY})
_QUOTABLE = range(2, 13)  # words; more would be their whole message
_APOSTROPHES = str.maketrans("\u2019\u2018\u02bc", "'''")


class Wording:
    """The sentences of one reply.

    Args:
        say: Name, e.g. `"ideation.acknowledge"`, to sentences that say the same.
        plain: The words that may be given back to the person.
        turn: Its id and history choose; its risk reading holds the person's words.
        country: Whose help lines are named.
    """

    def __init__(
        self, say: Mapping[str, Sequence[str]], plain: frozenset[str], turn: Turn, country: Country
    ) -> None:
        self._say, self._plain, self._turn, self._country = say, plain, turn, country
        self._chooser = Chooser(turn)

    def pick(self, name: str, **slots: str) -> str:
        """One sentence of that name, its slots filled."""
        phrase = self._chooser.pick(name, self._say[name])
        for slot, value in slots.items():
            phrase = phrase.replace(f"{{{slot}}}", value)
        return phrase

    @property
    def helped(self) -> bool:
        """Whether the message answers that somebody is with them, or that help was called."""
        before = self._turn.course_before
        return before is not None and before.asked is not None and answer_to(before.asked, self._turn.text).helped

    def acknowledge(self, danger: str, course: RiskCourse) -> str:
        """What was said is taken seriously; where it shows no danger, what it does instead."""
        if not course.fresh:
            return self.pick(f"{self._kind(course)}.acknowledge")
        quoted = self._quotable() if danger == "ideation" and not course.done else ""
        return self.pick("ideation.words", words=quoted) if quoted else self.pick(f"{danger}.acknowledge")

    def _kind(self, course: RiskCourse) -> str:
        """How a message that shows no danger is met while there is some."""
        before = self._turn.course_before
        if before is None:
            return "after"
        if course.softer and not before.softer:
            return "softer"
        if self.helped:
            return "helped"
        if before.asked is not None and answers(before.asked, self._turn.text):
            return "answered"
        return "denied" if course.denials > before.denials else "after"

    def _quotable(self) -> str:
        """The person's own words for it, where they are few and all of them plain: whatever else a span holds, be
        it a method or an order to an LLM, is not said again.
        """
        risk = self._turn.risk
        for start, end in () if risk is None else risk.evidence:
            words = self._turn.text[start:end].translate(_APOSTROPHES).split()
            if len(words) in _QUOTABLE and all(word.lower() in self._plain for word in words):
                return " ".join(words)
        return ""

    def act(
        self, plan: str, act: str, *, without: Sequence[str], lines_for: LinesFor = "anybody"
    ) -> tuple[str, tuple[str, ...]]:
        """A sentence, and the ids of the help lines in it.

        Where all of them were just named it speaks of help in general words, the emergency number among them.
        """
        name = f"{plan}.{act}"
        if act not in NAMING:
            return self.pick(name), ()
        unknown = f"{plan}.{NAMING[act]}"
        if act == EMERGENCY:
            if not self._country.emergency:
                return self.pick(unknown), (EMERGENCY,)
            # Of violence it is not known which number is the police's.
            every = " or ".join(self._country.emergency)
            number = every if lines_for != "anybody" else _number(self._country)
            return self.pick(name, emergency=number), (EMERGENCY,)
        if self._country.code == UNKNOWN:
            said = self.pick(unknown)
            return (said, ()) if without else (f"{said} {self.pick('finder')}", (UNKNOWN,))
        fresh = [line for line in _lines(self._country, lines_for) if line.id not in without]
        if not fresh:
            return self.pick(unknown), ()
        return self.pick(name, line=_named(fresh[0]), emergency=_number(self._country)), (fresh[0].id,)


def _lines(country: Country, lines_for: LinesFor) -> list[HelpLine]:
    """Those to name, the first choice first; () where there are none of the kind."""
    if lines_for == "anybody":
        return [line for line in country.lines_of("suicide") if _FOR_ANYBODY.issuperset(line.kinds)]
    abuse = [line for line in country.lines if "abuse" in line.kinds]
    if lines_for == "abuse":
        return abuse
    return [
        line for line in country.lines if "youth" in line.kinds and _FOR_CHILDREN.issuperset(line.kinds)
    ] + abuse


def _number(country: Country) -> str:
    return country.emergency[0] if country.emergency else "your local emergency number"


def _named(line: HelpLine) -> str:
    """With the ways to reach it, within a sentence."""
    ways = [f"{verb} {number}" for verb, number in (("call", line.call), ("text", line.text)) if number]
    address = line.chat or line.web
    if not ways and address:
        ways.append(address)
    return f"{line.name} ({', '.join(ways)})" if ways else line.name
