"""What is done at each step of the record of risk. The steps and the words are data: `protocol.toml`."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, Literal, get_args

from agent.decisions import Care
from agent.errors import DataError
from agent.safety.answered import ALIKE, QUESTIONS, Question
from agent.safety.around import PlanName, SituationPlan, care_around, lines_for, plan_name, situation_plans
from agent.safety.course import RiskCourse
from agent.safety.help_lines import Country
from agent.safety.situations import asks_where_to_turn
from agent.safety.steps import reaches
from agent.safety.toml_fields import shipped_toml
from agent.safety.wording import EMERGENCY, NAMING, Wording
from agent.turn import Turn

__all__ = ["Protocol", "StepPlan", "load_protocol"]

Danger = Literal["ideation", "plan", "acute", "others"]

_ASK = "ask"
_AROUND = "around"
_ANSWER = 8  # words
_CHECK_EVERY = 4  # replies; asked each time, the question would wear out
_SPOKEN_OUT = re.compile(r"\b(kill|suicid|end(ing)? my|tak(e|ing) my|to die|wanna die)", re.IGNORECASE)
_SOON = re.compile(
    r"(?<!not )\b(?:to-?night|tonite|right now|this (?:evening|morning|afternoon|minute)|"
    r"in (?:an?|half an|\d+) (?:hours?|min\w*)|"
    r"(?:before|by|till|until|see) (?:\d{1,2} ?(?:am|pm|a\.m|p\.m)|midnight|morning|sunrise|dawn|they|he|she))\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class StepPlan:
    """What is done at one step.

    Attributes:
        first: Acts of the first reply after the record rose, and of replies to messages that show danger anew.
        later: Acts of the other replies.
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
        situations: What is done about danger around the person, e.g. of `"violence_now"`.
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
    situations: Mapping[PlanName, SituationPlan]
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
        words = Wording(self.say, self.plain, turn, country)
        asked = course.was_in_danger and asks_where_to_turn(turn.text)
        danger = _danger(course) if course.in_danger else None
        if asked and (course.around is None or not course.around.open):
            danger = danger or "ideation"
        if danger is not None:
            quiet = course.others_quiet if danger == "others" else course.quiet
            # A suspicion is asked about, and then waited for: most whom it is wrong about just go on.
            waits = course.others_suspected if danger == "others" else course.suspected and danger == "ideation"
            if course.unread or course.fresh or asked or (not waits and quiet <= self.steps[danger].holds):
                return self._in_danger(words, turn, course, danger, asked=asked)
        if (found := care_around(self, words, turn, course)) is not None:
            return found
        if danger is not None:
            return self._check(words, course, note="others" if danger == "others" else "danger")
        if course.unread:
            return self._unread(words, turn, course)
        if course.was_in_danger:
            return self._after(words, turn, course)
        return self._hinted(words, turn, course) or self._free(course)

    def _free(self, course: RiskCourse) -> tuple[RiskCourse, Care | None, bool]:
        """Whatever speaks is told to be careful, where it should be."""
        note = self._note(course, "distress" if course.level == "distress" else None)
        return replace(course, lines=()), Care(self.id, note=note) if note else None, False

    def _note(self, course: RiskCourse, name: str | None) -> str:
        """For the LLM: what the record says, and what is known of danger around the person."""
        around = course.around if course.around is not None and course.around.open else None
        names = (name, None if around is None else around.kind)
        return " ".join(self.notes[each] for each in names if each is not None)

    def _in_danger(
        self, words: Wording, turn: Turn, course: RiskCourse, danger: Danger, *, asked: bool
    ) -> tuple[RiskCourse, Care, bool]:
        """Nothing but the protocol; a number that is `asked` for is named, whatever was named before."""
        step = self.steps[danger]
        said: list[str] = []
        acts: list[str] = []
        lines: tuple[str, ...] = ()
        helped = words.helped and not course.fresh and not asked
        again = asked or _pressing(course, danger, turn.text)
        wanted = step.first if course.fresh or not course.done else step.later
        named = bool(course.done and course.lines) and not again
        for act in _with_emergency(wanted, danger, course, turn.text):
            if act == _ASK:
                question = self._next(step.ask, turn, course, helped=helped)
                said.append(words.pick(f"ask.{question}"))
                acts.append(f"ask.{question}")
                course = replace(course, asked=question)
            elif act == "acknowledge":
                said.append(words.acknowledge(danger, course))
                acts.append(act)
            elif act == _AROUND and course.around is not None:
                whose = lines_for(course.around)
                sentence, ids = words.act(plan_name(course.around), "emergency", without=(), lines_for=whose)
                said.append(sentence)
                acts.append(EMERGENCY)
                lines = (*lines, *ids)
            elif helped and act in NAMING:
                said.append(words.pick("helped.stay"))
                acts.append("with_help")
            else:
                if named and act == "distance":
                    continue  # what is said in place of naming help asks for it, too
                if named and act in NAMING:
                    act = step.instead  # noqa: PLW2901 - nothing is named in two replies in a row
                if act in acts:
                    continue
                sentence, ids = words.act(danger, act, without=course.lines)
                said.append(sentence)
                acts.append(act)
                lines = (*lines, *ids)
        return self._done(course, acts, lines), Care(self.id, tuple(acts), " ".join(said)), True

    def _after(self, words: Wording, turn: Turn, course: RiskCourse) -> tuple[RiskCourse, Care, bool]:
        """The record stands below danger again: a plain no that took it there is answered first."""
        if any(change.turn == turn.index and change.why == "denied" for change in course.changes):
            said = f"{words.pick('no.thanks')} {words.pick('no.question')}"
            return self._done(course, ["denied"], ()), Care(self.id, ("denied",), said), True
        return self._check(words, course, note="after")

    def _check(self, words: Wording, course: RiskCourse, *, note: str) -> tuple[RiskCourse, Care, bool]:
        """The time after danger: now and then a question ends the reply."""
        own, of_others = reaches(course.peak, "ideation"), reaches(course.others_peak, "ideation")
        quiet = course.quiet if own or not of_others else course.others_quiet
        # A suspicion was asked about, and that is enough until there is a sign.
        unborne = (course.suspected or not own) and (course.others_suspected or not of_others)
        if unborne or quiet % _CHECK_EVERY != _CHECK_EVERY - 1:
            return replace(course, lines=()), Care(self.id, note=self._note(course, note)), False
        said = f"{words.pick('after.check')} {words.pick('ask.safe')}"
        course = self._done(replace(course, asked="safe"), ["check", "ask.safe"], ())
        return course, Care(self.id, ("check", "ask.safe"), said, self._note(course, note)), False

    def _hinted(self, words: Wording, turn: Turn, course: RiskCourse) -> tuple[RiskCourse, Care, bool] | None:
        """A weak sign: what was said is answered, and one open question follows. Asked once until it cools."""
        hinted = any(change.turn == turn.index and change.why == "hinted" for change in course.changes)
        if course.level != "watch" or not hinted or "ask.thoughts" in course.done:
            return None
        said = f"{words.pick('hint.check')} {words.pick('ask.thoughts')}"
        course = self._done(replace(course, asked="thoughts"), ["hint", "ask.thoughts"], ())
        return course, Care(self.id, ("hint", "ask.thoughts"), said, self._note(course, "hint")), False

    def _unread(self, words: Wording, turn: Turn, course: RiskCourse) -> tuple[RiskCourse, Care, bool]:
        """Nobody knows how serious it is: whether they are safe is asked, now and then."""
        recent = "\n".join(turn.said_by("supporter")[-_CHECK_EVERY + 1 :])
        if any(check in recent for check in self.say["unread.check"]):
            said = f"{words.pick('unread.calm')} {words.pick('unread.question')}"
            return replace(course, lines=()), Care(self.id, ("unread",), said), True
        said = f"{words.pick('unread.check')} {words.pick('unread.open')}"
        course = self._done(replace(course, asked="safe"), ["unread", "ask.safe"], ())
        return course, Care(self.id, ("unread", "ask.safe"), said), True

    def _next(self, order: Sequence[Question], turn: Turn, course: RiskCourse, *, helped: bool) -> Question:
        """The first question that was not asked since the record rose; then the one asked longest ago.

        Whether somebody is with them is not asked of who just told that.
        """
        if helped:
            order = [question for question in order if question != "company"]
        if course.suspected and order[0] in ("thoughts", "means"):
            # To ask for a plan or means would take the thoughts for granted.
            order = ["thoughts", *(question for question in order if question in ("safe", "company"))]
        elif order[0] == "thoughts" and any(map(_SPOKEN_OUT.search, (turn.text, *turn.said_by("seeker")))):
            order = order[1:]  # to ask for what was said would not be listening
        asked = [act.removeprefix("ask.") for act in course.done if act.startswith("ask.")]
        last = None if turn.course_before is None else turn.course_before.asked
        order = [question for question in order if question not in {last, ALIKE.get(last)}] or order
        if course.fresh and len(order) > 1 and "others" not in order:
            order = [question for question in order if question != "company"]  # what was told is asked about first
        return min(order, key=lambda question: (_last(asked, question), order.index(question)))

    def _done(self, course: RiskCourse, acts: Sequence[str], lines: tuple[str, ...]) -> RiskCourse:
        kept = [act for act in course.done if act not in acts]
        return replace(course, done=(*kept, *acts), lines=lines)


def _danger(course: RiskCourse) -> Danger:
    """Which plan holds: that of the higher ladder; the person's own where both are as high."""
    if reaches(course.level, course.others) and reaches(course.level, "ideation"):
        return course.level  # type: ignore[return-value]  # at ideation or above
    return "others"


def _with_emergency(acts: Sequence[str], danger: Danger, course: RiskCourse, text: str) -> Sequence[str]:
    """With the emergency number, where the plan has none: for what they are about to do, to themselves within
    hours or to somebody, or for what happens around them this minute.
    """
    if _soon(course, danger, text) or (danger == "others" and course.fresh and course.others == "acute"):
        acts = [EMERGENCY if act == "lines" else act for act in acts]
    around = course.around
    if around is None or not around.fresh or not around.now or EMERGENCY in acts:
        return acts
    return (acts[0], _AROUND, *(act for act in acts[1:] if act != "lines"))


def _pressing(course: RiskCourse, danger: Danger, text: str) -> bool:
    """Whether the message itself shows that it cannot wait: then the emergency number is said again."""
    grave = danger == "acute" or (danger == "others" and reaches(course.others, "plan"))
    return (course.fresh and grave) or _soon(course, danger, text)


def _soon(course: RiskCourse, danger: Danger, text: str) -> bool:
    """Whether a message speaks of the next hours while it shows a plan, or answers so while one stands."""
    if danger not in ("plan", "others") or _SOON.search(text) is None:
        return False
    return course.fresh or (danger == "plan" and len(text.split()) <= _ANSWER)


def _last(asked: Sequence[str], question: str) -> int:
    return asked.index(question) + 1 if question in asked else 0


@cache
def load_protocol() -> Protocol:
    """The protocol as shipped; read once.

    Raises:
        DataError: The file is missing or holds what it should not.
    """
    raw = shipped_toml("protocol.toml")
    say = {f"{group}.{act}": tuple(said) for group, acts in raw["say"].items() for act, said in acts.items()}
    say |= {f"ask.{question}": tuple(said) for question, said in raw["ask"].items()}
    say["finder"] = tuple(raw["finder"])
    plain = frozenset(raw["plain"].split())
    steps = {danger: _step(danger, raw["step"].get(danger), say) for danger in get_args(Danger)}
    situations = situation_plans(raw["situation"], say)
    about = {f"{group}.{name}": words for group, names in raw["about"].items() for name, words in names.items()}
    sources = tuple(raw["sources"])
    return Protocol(raw["id"], str(raw["reviewed"]), sources, steps, say, raw["note"], situations, about, plain)


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
