"""What is done at each step of the record of risk. The steps and the words are data: `protocol.toml`."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from typing import Any, Literal, get_args

from agent.choice import Chooser
from agent.decisions import Care
from agent.errors import DataError
from agent.safety.answered import QUESTIONS, Question, answers
from agent.safety.course import RiskCourse, reaches
from agent.safety.help_lines import UNKNOWN, Country, HelpLine
from agent.turn import Turn

__all__ = ["Protocol", "StepPlan", "load_protocol"]

Danger = Literal["ideation", "plan", "acute", "others"]

_ASK = "ask"
_EMERGENCY = "emergency"  # stands among the ids of help lines that were named
_NAMING = {"lines": "lines_unknown", "emergency": "emergency_unknown"}
_FOR_ANYBODY = frozenset({"suicide", "distress"})
_CHECK_EVERY = 4  # replies; asked each time, the question would wear out
_QUOTABLE = range(2, 13)  # words; more would be their whole message
_APOSTROPHES = str.maketrans("\u2019\u2018\u02bc", "'''")
_SPOKEN_OUT = re.compile(r"\b(kill|suicid|end(ing)? my|tak(e|ing) my|to die|wanna die)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class StepPlan:
    """What is done at one step.

    Attributes:
        first: Acts of the first reply after the record rose.
        later: Acts of the replies after it.
        instead: Done in a later reply in place of naming help that the reply before named.
        ask: Questions, in order.
        holds: Quiet messages after the last sign for which nothing but the protocol answers.
    """

    first: tuple[str, ...]
    later: tuple[str, ...]
    instead: str
    ask: tuple[Question, ...]
    holds: int


@dataclass(frozen=True, slots=True)
class Protocol:
    """The protocol of one file.

    Attributes:
        id: Of the file.
        reviewed: When somebody went through it last, as an ISO date.
        sources: What it follows.
        steps: `"ideation"`, `"plan"`, `"acute"` and `"others"` to what is done there.
        say: E.g. `"ideation.acknowledge"` or `"ask.plan"` to its sentences.
        notes: For the LLM.
        about: `"step.watch"`, `"act.lines"` or `"ask.plan"` to what it is, for people who read the protocol.
        plain: The words that may be given back to the person, in small letters.
    """

    id: str
    reviewed: str
    sources: tuple[str, ...]
    steps: Mapping[Danger, StepPlan]
    say: Mapping[str, tuple[str, ...]]
    notes: Mapping[str, str]
    about: Mapping[str, str]
    plain: frozenset[str] = frozenset()

    def care(self, turn: Turn, course: RiskCourse, country: Country) -> tuple[RiskCourse, Care | None, bool]:
        """What is done in the reply to this turn.

        Args:
            turn: With readings; its id and history choose among sentences that say the same.
            course: After the turn's message.
            country: Whose help lines are named.

        Returns:
            The course with what the reply will do; the care, None where there is nothing to see to; and whether
            the care's words are the whole reply.
        """
        words = _Words(self, Chooser(turn), country, turn)
        if course.in_danger:
            danger = _danger(course)
            quiet = course.others_quiet if danger == "others" else course.quiet
            if course.unread or course.fresh or quiet <= self.steps[danger].holds:
                return self._in_danger(words, turn, course, danger)
            return self._check(words, course, note=self.notes["others" if danger == "others" else "danger"])
        if course.unread:
            return self._unread(words, turn, course)
        if course.was_in_danger:
            return self._check(words, course, note=self.notes["after"])
        if course.level == "watch":
            return self._hinted(words, turn, course)
        care = Care(self.id, note=self.notes["distress"]) if course.level == "distress" else None
        return course, care, False

    def _in_danger(
        self, words: _Words, turn: Turn, course: RiskCourse, danger: Danger
    ) -> tuple[RiskCourse, Care, bool]:
        """Nothing but the protocol."""
        step = self.steps[danger]
        said: list[str] = []
        acts: list[str] = []
        lines: tuple[str, ...] = ()
        for act in step.later if course.done else step.first:
            if act == _ASK:
                question = self._next(step.ask, turn, course)
                said.append(words.pick(f"ask.{question}"))
                acts.append(f"ask.{question}")
                course = replace(course, asked=question)
            elif act == "acknowledge":
                said.append(words.acknowledge(danger, course))
                acts.append(act)
            else:
                if course.done and act in _NAMING and course.lines and not _pressing(course, danger):
                    act = step.instead  # noqa: PLW2901 - nothing is named in two replies in a row
                sentence, named = words.act(danger, act, without=course.lines)
                said.append(sentence)
                acts.append(act)
                lines = (*lines, *named)
        return self._done(course, acts, lines), Care(self.id, tuple(acts), " ".join(said)), True

    def _check(self, words: _Words, course: RiskCourse, *, note: str) -> tuple[RiskCourse, Care, bool]:
        """The time after danger: now and then a question ends the reply."""
        quiet = max(course.quiet, course.others_quiet)
        if quiet % _CHECK_EVERY != _CHECK_EVERY - 1:
            return replace(course, lines=()), Care(self.id, note=note), False
        said = f"{words.pick('after.check')} {words.pick('ask.safe')}"
        course = self._done(replace(course, asked="safe"), ["check", "ask.safe"], ())
        return course, Care(self.id, ("check", "ask.safe"), said, note), False

    def _hinted(self, words: _Words, turn: Turn, course: RiskCourse) -> tuple[RiskCourse, Care | None, bool]:
        """A weak sign: what was said is answered, and one open question follows. Asked once until it cools."""
        newest = course.changes[-1] if course.changes else None
        if newest is None or newest.turn != turn.index or newest.why != "hinted" or "ask.thoughts" in course.done:
            return course, None, False
        said = f"{words.pick('hint.check')} {words.pick('ask.thoughts')}"
        course = self._done(replace(course, asked="thoughts"), ["hint", "ask.thoughts"], ())
        return course, Care(self.id, ("hint", "ask.thoughts"), said, self.notes["hint"]), False

    def _unread(self, words: _Words, turn: Turn, course: RiskCourse) -> tuple[RiskCourse, Care, bool]:
        """Nobody knows how serious it is: whether they are safe is asked, now and then."""
        recent = "\n".join(turn.said_by("supporter")[-_CHECK_EVERY + 1 :])
        if any(check in recent for check in self.say["unread.check"]):
            said = f"{words.pick('unread.calm')} {words.pick('unread.question')}"
            return replace(course, lines=()), Care(self.id, ("unread",), said), True
        said = f"{words.pick('unread.check')} {words.pick('unread.open')}"
        course = self._done(replace(course, asked="safe"), ["unread", "ask.safe"], ())
        return course, Care(self.id, ("unread", "ask.safe"), said), True

    def _next(self, order: Sequence[Question], turn: Turn, course: RiskCourse) -> Question:
        """The first question that was not asked since the record rose; then the one asked longest ago."""
        if order[0] == "thoughts" and _SPOKEN_OUT.search(turn.text):
            order = [*order[1:], order[0]]  # to ask for what was just said would not be listening
        asked = [act.removeprefix("ask.") for act in course.done if act.startswith("ask.")]
        last = None if turn.course_before is None else turn.course_before.asked
        order = [question for question in order if question != last] or order
        return min(order, key=lambda question: (_last(asked, question), order.index(question)))

    def _done(self, course: RiskCourse, acts: Sequence[str], lines: tuple[str, ...]) -> RiskCourse:
        kept = [act for act in course.done if act not in acts]
        return replace(course, done=(*kept, *acts), lines=lines)


class _Words:
    """Chooses sentences and fills them."""

    def __init__(self, protocol: Protocol, chooser: Chooser, country: Country, turn: Turn) -> None:
        self._say, self._chooser, self._country, self._turn = protocol.say, chooser, country, turn
        self._plain = protocol.plain

    def pick(self, name: str, **slots: str) -> str:
        phrase = self._chooser.pick(name, self._say[name])
        for slot, value in slots.items():
            phrase = phrase.replace(f"{{{slot}}}", value)
        return phrase

    def acknowledge(self, danger: Danger, course: RiskCourse) -> str:
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

    def act(self, danger: Danger, act: str, *, without: Sequence[str]) -> tuple[str, tuple[str, ...]]:
        """A sentence, and the ids of the help lines in it.

        Where all of them were just named it speaks of help in general words, the emergency number among them.
        """
        name = f"{danger}.{act}"
        if act not in _NAMING:
            return self.pick(name), ()
        unknown = f"{danger}.{_NAMING[act]}"
        if act == "emergency":
            if not self._country.emergency:
                return self.pick(unknown), (_EMERGENCY,)
            return self.pick(name, emergency=_number(self._country)), (_EMERGENCY,)
        if self._country.code == UNKNOWN:
            said = self.pick(unknown)
            return (said, ()) if without else (f"{said} {self.pick('finder')}", (UNKNOWN,))
        for_anybody = [line for line in self._country.lines_of("suicide") if _FOR_ANYBODY.issuperset(line.kinds)]
        fresh = [line for line in for_anybody if line.id not in without]
        if not fresh:
            return self.pick(unknown), ()
        return self.pick(name, line=_named(fresh[0]), emergency=_number(self._country)), (fresh[0].id,)


def _danger(course: RiskCourse) -> Danger:
    """Which plan holds: that of the higher ladder; the person's own where both are as high."""
    if reaches(course.level, course.others) and reaches(course.level, "ideation"):
        return course.level  # type: ignore[return-value]  # at ideation or above
    return "others"


def _pressing(course: RiskCourse, danger: Danger) -> bool:
    """Whether the message itself shows that it cannot wait: then the emergency number is said again."""
    return course.fresh and (danger == "acute" or (danger == "others" and reaches(course.others, "plan")))


def _number(country: Country) -> str:
    return country.emergency[0] if country.emergency else "your local emergency number"


def _named(line: HelpLine) -> str:
    """With the ways to reach it, within a sentence."""
    ways = [f"{verb} {number}" for verb, number in (("call", line.call), ("text", line.text)) if number]
    address = line.chat or line.web
    if not ways and address:
        ways.append(address)
    return f"{line.name} ({', '.join(ways)})" if ways else line.name


def _last(asked: Sequence[str], question: str) -> int:
    return asked.index(question) + 1 if question in asked else 0


@cache
def load_protocol() -> Protocol:
    """The protocol as shipped; read once.

    Raises:
        DataError: The file is missing or holds what it should not.
    """
    try:
        raw = tomllib.loads(files("agent.safety").joinpath("protocol.toml").read_text("utf-8"))
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise DataError("agent/safety/protocol.toml cannot be read. Install the package again.") from error
    say = {f"{group}.{act}": tuple(said) for group, acts in raw["say"].items() for act, said in acts.items()}
    say |= {f"ask.{question}": tuple(said) for question, said in raw["ask"].items()}
    say["finder"] = tuple(raw["finder"])
    plain = frozenset(raw["plain"].split())
    steps = {danger: _step(danger, raw["step"].get(danger), say) for danger in get_args(Danger)}
    about = {f"{group}.{name}": words for group, names in raw["about"].items() for name, words in names.items()}
    return Protocol(raw["id"], str(raw["reviewed"]), tuple(raw["sources"]), steps, say, raw["note"], about, plain)


def _step(danger: str, raw: Mapping[str, Any] | None, say: Mapping[str, object]) -> StepPlan:
    if raw is None:
        raise DataError(f"agent/safety/protocol.toml has no [step.{danger}].")
    for act in (*raw["first"], *raw["later"], raw["instead"]):
        if act != _ASK and f"{danger}.{act}" not in say:
            raise DataError(f"agent/safety/protocol.toml: [say.{danger}] has no {act!r}, which its step does.")
    for question in raw["ask"]:
        if question not in QUESTIONS or f"ask.{question}" not in say:
            choices = ", ".join(QUESTIONS)
            raise DataError(f"agent/safety/protocol.toml: no question {question!r}. Choices: {choices}.")
    return StepPlan(tuple(raw["first"]), tuple(raw["later"]), raw["instead"], tuple(raw["ask"]), raw["holds"])
