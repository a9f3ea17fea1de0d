"""Composes the reply to a turn without danger from what was understood and from the lists of phrases."""

from __future__ import annotations

import re
from collections.abc import Sequence

from agent.choice import Chooser
from agent.decisions import Stage
from agent.turn import Turn
from prompts.offline.feeling import Heard, Tone, has_any, hear, in_distress
from prompts.offline.manner import tells_of_loss
from prompts.offline.occasion import Occasion, occasion_of, straightened, tells_of_harm
from prompts.offline.patterns import KINDS, SUGGESTIONS
from prompts.offline.phrases import Phrases
from prompts.offline.reflection import Reflection, reflect
from prompts.offline.topics import ASPECTS, Subject, subject_of

__all__ = ["Composition"]

_MOST_WORDS = 58

_PAIRS: dict[Occasion, tuple[str, str]] = {
    "symbols": ("unclear.symbols", "unclear.question"),
    "language": ("unclear.language", "unclear.question"),
    "jumble": ("unclear.jumble", "unclear.question"),
    "order": ("order.answer", "greeting.question"),
    "identity": ("identity.answer", "identity.question"),
    "complaint": ("complaint.answer", "complaint.question"),
    "farewell": ("farewell.close", "farewell.wish"),
    "thanks": ("thanks.welcome", "thanks.more"),
    "uptake": ("uptake.answer", "uptake.question"),
    "quiet": ("quiet.answer", "quiet.stay"),
    "professional": ("professional.answer", "professional.question"),
    "beginning": ("beginning.answer", "beginning.question"),
    "verdict": ("verdict.answer", "verdict.question"),
    "withdrawn": ("withdrawn.answer", "withdrawn.question"),
    "english": ("english.answer", "greeting.question"),
    "apology": ("apology.answer", "greeting.question"),
    "own_life": ("own_life.answer", "own_life.question"),
    "how_are_you": ("greeting.how_are_you", "greeting.question"),
    "ability": ("ability.answer", "greeting.question"),
    "medical": ("medical.answer", "medical.question"),
    "off_topic": ("off_topic.answer", "off_topic.question"),
}
"""Messages that are answered with one sentence of each list."""

_ANSWERS: frozenset[Occasion] = frozenset({"yes", "no", "unsure", "good", "bad"})
_WITHOUT_PLAN = ("question", "reflection", "restatement", "question", "affirmation", "reflection")
_QUIET_TURNS = 3  # for which nothing is asked, once that was wished, or a person of the team wrote
_GREETING_WORDS = 4  # an earlier message of more words told something
_REQUEST_WORDS = 7  # a request of more words says what it is about
_OWN_QUESTIONS = frozenset({"joy", "ahead", "tender", "relief", "loss"})
_GLAD: frozenset[Tone] = frozenset({"joy", "ahead", "tender", "relief"})
_OPPOSITE: dict[str, frozenset[Tone]] = {
    "hard": _GLAD, "loss": _GLAD - {"tender"}, "good": frozenset({"hard", "loss"}), "either": frozenset(),
}  # fmt: skip
_LIKE: dict[Tone, str] = {"tender": "joy"}  # whose suggestions fit as well


class Composition:
    """One reply in the making: what was understood of the turn, and the choice of phrases."""

    def __init__(self, turn: Turn, phrases: Phrases) -> None:
        self.turn = turn
        self.phrases = phrases
        self.chooser = Chooser(turn)
        self.said = turn.said_by("supporter")
        subject = subject_of(turn)
        self.heard = hear(turn, phrases=phrases, variant=turn.index, subject=subject)
        self.subject = _fitting(subject, self.heard, turn)
        self.reflection = reflect(turn, feelings=phrases.own_words.keys(), said=self.said)
        self.occasion = occasion_of(turn)
        self.stage = _stage(turn)
        lately = map(straightened, turn.said_by("seeker")[-_QUIET_TURNS:])
        self.quiet = any(KINDS["quiet"].search(text) for text in lately) or _human_wrote_lately(turn)

    def compose(self, *, attempt: int = 0) -> str:
        """The reply to a turn without danger; `attempt` as for `Chooser`."""
        self.chooser = Chooser(self.turn, attempt=attempt)
        occasion = self.occasion
        if occasion in _PAIRS:
            return self._said(*map(self.line, _PAIRS[occasion]))
        if occasion == "greeting":
            first = "greeting.later" if self.said else "greeting.first"
            return self._said(self.line(first), self.line("greeting.question"))
        if occasion in _ANSWERS:
            return self._said(self.line(f"minimal.{occasion}"), self.question())
        if occasion == "harmed":
            first = (
                "lead.hard.clause" if self.reflection and not tells_of_harm(self.turn.text) else "harmed.answer"
            )
            return self._said(*map(self.line, (first, "harmed.support", "harmed.question")))
        if occasion == "desk":
            return self._desk()
        strategy = (
            self.turn.plan.chosen.id if self.turn.plan else _WITHOUT_PLAN[self.turn.index % len(_WITHOUT_PLAN)]
        )
        if occasion == "advice":
            strategy = "suggestions" if self._has_context() else "first"
        return self._follow(strategy)

    def _follow(self, strategy: str) -> str:
        """The reply under one of ESConv's eight strategies; any other is treated as `others`."""
        parts: tuple[str, ...]
        match strategy:
            case "restatement" if self.reflection and not in_distress(self.turn):
                parts = (self.line("restate.clause"), self.line("restate.check"))
            case "question" | "restatement":
                parts = (self.lead(), self.question())
            case "self_disclosure":
                parts = (self.lead(), self.one_of("disclose"), self.line("disclose.turn"))
            case "affirmation":
                parts = (self.lead(), self.one_of("affirm"), *self.question_by_turns())
            case "suggestions":
                lead = self.lead() if self.reflection else self.line("suggest.open")
                parts = (lead, self._suggestion(), self.line("suggest.invite"))
            case "information" if "?" in self.turn.text:
                parts = (self.line("inform.honest"), self.line("inform.common"), self.line("inform.question"))
            case "information":
                parts = (self.lead(), self.line("inform.common"), self.question())
            case "first":
                parts = (self.line("first.answer"), self.line("first.question"))
            case _:  # reflection, others
                parts = (self.lead(), *(self.question_by_turns() or (self.line(f"stay.{self._staying()}"),)))
        return self._said(*parts)

    def _suggestion(self) -> str:
        """One everyday idea: for the question that was asked, or else for the feeling."""
        text = self.turn.text.lower()
        asked = next((kind for kind, pattern in SUGGESTIONS.items() if pattern.search(text)), None)
        return self.line(f"suggest.{asked}") if asked else self.one_of("suggest")

    def _desk(self) -> str:
        """Somebody wants a matter settled rather than a feeling heard."""
        kind = "desk.clause" if self.reflection else "desk.plain"
        if self.reflection and self.reflection.kind == "thought":
            kind = "lead.neutral.clause"  # "you want your money back" is a wish, and no fault to deplore
        lead = self.line(kind)
        if self.turn.plan and self.turn.plan.chosen.id == "suggestions":
            return self._said(lead, self.line("suggest.desk"), self.line("suggest.invite"))
        limits = self.phrases["desk.limit"]
        limit = () if any(self.chooser.uses(phrase) for phrase in limits) else (self.line("desk.limit"),)
        return self._said(lead, *limit, self.line("desk.question"))

    def lead(self) -> str:
        """The first sentence: what was heard of the event, the feeling, or both; else of the topic."""
        kinds = self._lead_kinds()
        # Distress is acknowledged as such, and some messages on the talk may be about something else.
        plainly = in_distress(self.turn) or self.subject is None or self.subject.since > 1
        plainly = plainly or not kinds[0].endswith(".plain")
        return ("" if plainly else self._of_topic("lead")) or self.pooled(*kinds)

    def _lead_kinds(self) -> tuple[str, ...]:
        heard, reflection, tone = self.heard, self.reflection, self.heard.tone
        feeling = heard.words if heard.words and not self._named_lately(heard) else None
        if tone == "loss":
            kind = "lead.loss.clause" if reflection and _is_of_loss(reflection) else "lead.loss.plain"
        elif reflection and feeling and reflection.kind != "feeling":
            reason = reflection.kind == "event" and reflection.weighty
            hard = "event_feeling" if reason else "thought_feeling"
            about = hard if tone == "hard" else "clause_feeling"
            kind = f"lead.{tone}.{about}" if heard.sure else "lead.neutral.clause_maybe"
        elif reflection:
            light = tone == "hard" and not reflection.weighty and not in_distress(self.turn)
            kind = "lead.neutral.clause" if light else f"lead.{tone}.clause"
        elif feeling:
            kind = f"lead.{tone}.feeling" if heard.sure else "lead.neutral.maybe"
        elif self.turn.text.rstrip().endswith("?") and tone in {"neutral", "hard"}:
            kind = "lead.wonder.plain"
        else:
            kind = f"lead.{tone}.plain"
        return ("lead.again.plain", kind) if kind == "lead.hard.plain" and self._again() else (kind,)

    def question(self) -> str:
        """One open question that fits the topic, or else the stage and the feeling."""
        if topical := self._of_topic(*(("ask", "later") if self.stage == "exploration" else ("later", "ask"))):
            return topical
        if self.heard.tone in _OWN_QUESTIONS:
            return self.line(f"questions.any.{self.heard.tone}")
        if self.heard.tone == "neutral" and not self._has_context():
            return self.line("greeting.question")
        stage = f"questions.{self.stage}"
        return self.pooled(f"{stage}.general", f"{stage}.{self.heard.family}")

    def question_by_turns(self) -> tuple[str, ...]:
        """A question where the plan goes on with one or the last reply had none; else nothing."""
        planned = self.turn.plan is not None and any(each.id == "question" for each in self.turn.plan.then)
        due = bool(self.said) and "?" not in self.said[-1]
        return (self.question(),) if planned or due else ()

    def one_of(self, kind: str) -> str:
        """A phrase of `kind` for this topic or feeling, from the list of its own or from the general one."""
        if kind in ASPECTS and (topical := self._of_topic(kind)):
            return topical
        tone = self.heard.tone
        family = tone if tone in _OWN_QUESTIONS else self.heard.family
        own = f"{kind}.{family}"
        if tone in _OWN_QUESTIONS and not self.phrases.get(own):
            own = f"{kind}.{_LIKE.get(tone, 'general')}"
        if kind == "disclose" and tone not in {"hard", "joy", "relief", "loss"}:
            return self.line("disclose.neutral")
        if tone in {"neutral", "hard", "surprise"}:
            return self.pooled(f"{kind}.general", own)
        return self.line(own) if self.phrases.get(own) else self.line(f"{kind}.general")

    def _of_topic(self, *aspects: str) -> str:
        """A phrase about what is talked about, from the first list that has one which was not said; else empty."""
        if self.subject is None or len(self.turn.said_by("seeker")) < self.turn.index:
            return ""  # what was said out of sight may have been these
        for aspect in aspects:
            fresh = [phrase for phrase in self.subject.phrases(aspect) if not self.chooser.uses(phrase)]
            if fresh:
                return self.filled(self.chooser.pick(f"{self.subject.topic.name}.{aspect}", fresh))
        return ""

    def pooled(self, *kinds: str) -> str:
        """A phrase of several lists, taken as one."""
        phrases = [phrase for kind in kinds for phrase in self.phrases.get(kind)]
        return self.filled(self.chooser.pick("+".join(kinds), phrases))

    def line(self, kind: str) -> str:
        """A phrase of one list, slots filled."""
        return self.filled(self.chooser.pick(kind, self.phrases[kind]))

    def filled(self, phrase: str) -> str:
        """The phrase with the clause and the feeling in place."""
        clause = self.reflection.clause if self.reflection else ""
        feeling = self.heard.words or ""
        who = (self.subject.who if self.subject else None) or ""
        return phrase.format(clause=clause, Clause=clause[:1].upper() + clause[1:], feeling=feeling, who=who)

    def _said(self, *parts: str) -> str:
        """The parts as one reply; the first gives way where all of them would be too long."""
        if self.quiet and any("?" in part for part in parts):
            told = tuple(part for part in parts if "?" not in part)
            return self._said(*told, self.line("quiet.stay"))
        text = " ".join(parts)
        return text if len(text.split()) <= _MOST_WORDS or len(parts) == 1 else self._said(*parts[1:])

    def _staying(self) -> str:
        return "hard" if self.heard.tone in {"hard", "loss"} else "joy" if self.heard.tone == "joy" else "neutral"

    def _named_lately(self, heard: Heard) -> bool:
        """Whether one of the last two replies named the feeling: a label each time sounds like a form."""
        lately = " ".join(self.said[-2:]).lower()
        kin = [word for f in self.phrases.feelings.values() if f.family == heard.family for word in f.words]
        kin += re.split(r" and yet | and ", heard.words or "")
        return has_any(lately, tuple(kin))

    def _again(self) -> bool:
        text = _plain(self.turn.text)
        return any(_plain(earlier) == text for earlier in self.turn.said_by("seeker"))

    def _has_context(self) -> bool:
        """Whether there is anything that a suggestion could be about."""
        told = any(len(text.split()) > _GREETING_WORDS for text in self.turn.said_by("seeker"))
        if told or len(self.turn.text.split()) > _REQUEST_WORDS:
            return True
        return self.reflection is not None or self.heard.family is not None


def _fitting(subject: Subject | None, heard: Heard, turn: Turn) -> Subject | None:
    """The topic, unless the mood is the opposite, or it was good news and the record of risk rose meanwhile."""
    if subject is None or heard.tone in _OPPOSITE[subject.topic.mood]:
        return None
    risen = turn.course is not None and turn.course.highest != "none"
    return None if risen and subject.topic.mood == "good" and not subject.here else subject


def _human_wrote_lately(turn: Turn) -> bool:
    """Whether a person of the team did, who may have asked whatever would be asked now."""
    theirs = 0
    for message in reversed(turn.history):
        theirs += message.role == "seeker"
        if message.human or theirs == _QUIET_TURNS:
            return message.human
    return False


def _is_of_loss(reflection: Reflection) -> bool:
    return tells_of_loss(re.sub(r"\byour\b", "my", reflection.clause.lower()))


def _plain(text: str) -> str:
    return " ".join(re.findall(r"\w+", text.lower()))


def _stage(turn: Turn) -> Stage:
    """The plan's stage; without a plan, by how long the conversation has gone on."""
    if turn.plan is not None:
        return turn.plan.stage
    stages: Sequence[Stage] = ("exploration", "comforting", "action")
    return stages[min(2, turn.index // 3)]
