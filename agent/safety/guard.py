"""The guard: keeps the record of risk, decides what is done about it, and looks at every sentence before it
leaves."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from agent.choice import Chooser
from agent.decisions import Blocked, Care, Verdict
from agent.errors import SettingsError
from agent.safety.calling import HandoffAt, with_handoff
from agent.safety.course import RiskCourse, advance
from agent.safety.disclosure import asks_whether_ai, tells_what_it_is
from agent.safety.help_lines import UNKNOWN, Country, Directory, directory_of, load_help_lines
from agent.safety.outgoing import Outgoing, load_outgoing
from agent.safety.policies import Policy, load_policy
from agent.safety.prompt_words import gives_prompt_away
from agent.safety.protocol import load_protocol
from agent.safety.reliance import nudge, update
from agent.safety.sitting import with_notices
from agent.turn import Turn

__all__ = ["ProtocolGuard", "create"]

_SHORT = 12  # words: a message of no more is nothing but the question whether this is an AI


class ProtocolGuard:
    """Meets danger by a protocol. Needs no LLM, no network and no model but what read the risk.

    Args:
        country: ISO 3166 code of the country whose help lines are named. It is told, by a setting or by the
            person; it is never guessed from what somebody writes.
        directory: Where help lines come from; None takes those that are shipped.
        outgoing: What must not be said; None takes the shipped patterns.
        policy: Whose wording and minutes hold where it is said that this is an AI; None takes the default pack.
        minors: Whether everybody is treated as a minor, not only those whom a request names one.
        reliance: Whether to notice how much somebody leans on the conversation, and to point outward now and then.
        utc_offset: Hours by which the person's clock is ahead of UTC; None: not known, so nights are not judged.
        handoff_at: The step at which a person is called (see `agent.safety.calling`).

    Raises:
        SettingsError: The directory does not know the country.
    """

    name = "protocol"
    reads = frozenset({"risk", "text", "history"})

    def __init__(
        self,
        country: str | None = None,
        *,
        directory: Directory | None = None,
        outgoing: Outgoing | None = None,
        policy: Policy | None = None,
        handoff_at: HandoffAt = "never",
        reliance: bool = True,
        utc_offset: float | None = None,
        minors: bool = False,
    ) -> None:
        self.country: Country = (directory or load_help_lines()).country(country)
        if country is not None and self.country.code == UNKNOWN:
            raise SettingsError(
                f"No help lines are known for the country {country!r} (`country`, HEARTLINE_COUNTRY). Leave it "
                "out, so that help is spoken of in general words, or name a directory or file (`help_lines`); "
                "docs/help-lines.md lists those that are known."
            )
        self.protocol = load_protocol()
        self.outgoing = outgoing or load_outgoing()
        self.policy = policy or load_policy("default")
        self.handoff_at = handoff_at
        self.reliance, self.utc_offset, self.minors = reliance, utc_offset, minors

    def screen(self, turn: Turn) -> Turn:
        """The turn with `course`, `care`, notices that are due, and a verdict.

        Risk that was not read is not calm: the record stands at `watch` at least, and whether they are safe is
        asked.
        """
        course = advance(turn.course_before, turn.risk, turn.text, turn=turn.index)
        course, care, alone = self.protocol.care(turn, course, self.country)
        reliance = update(turn.reliance_before, turn, utc_offset=self.utc_offset) if self.reliance else None
        verdict = Verdict("allow", self.name)
        if care is not None:
            verdict = Verdict("escalate" if alone else "steer", self.name, (_why(course),))
        elif (
            reliance is not None
            and not course.was_in_danger
            and course.around is None
            and (outward := nudge(reliance)) is not None
        ):
            reliance = replace(reliance, nudged=True)
            care = Care("reliance", ("nudge",), outward)
            verdict = Verdict("steer", self.name, ("they lean on this conversation",))
        if asks_whether_ai(turn.text):
            care = self._with_truth(care, turn)
            short = len(turn.text.split()) <= _SHORT
            if verdict.action == "allow" or (verdict.action == "steer" and short and not course.in_danger):
                verdict = Verdict("escalate" if short else "steer", self.name, ("asked whether it is an AI",))
        turn = replace(turn, course=course, reliance=reliance, care=care).note(verdict)
        return with_handoff(with_notices(turn, self.policy, minors=self.minors), self.handoff_at)

    def _with_truth(self, care: Care | None, turn: Turn) -> Care:
        """What is said of itself does not depend on an LLM."""
        told = care is None and tells_what_it_is(turn.text) and len(turn.text.split()) <= _SHORT
        kind = Chooser(turn).pick("truth.told", self.protocol.say["truth.told"]) if told else ""
        care = care or Care(self.protocol.id, words=kind)
        words = " ".join(filter(None, (self.policy.on_asking, care.words)))
        return replace(care, acts=("disclosure", *care.acts), words=words)

    def check(self, turn: Turn, shown: str, sentence: str) -> Blocked | None:
        """What is said in place of a sentence; None where it can be said as it is.

        Args:
            turn: As screened.
            shown: The reply so far.
            sentence: What would follow.
        """
        wary = turn.course is not None and not _calm(turn.course)
        category = self.outgoing.found(sentence, before=shown, in_danger=wary)
        if category is None and gives_prompt_away(turn, sentence):
            category = "role"
        if category is None:
            return None
        choices = self.outgoing.instead[category]
        return Blocked(category, choices[turn.index % len(choices)])


def _calm(course: RiskCourse) -> bool:
    """Whether no danger was told of in this conversation, to the person, from them or around them."""
    return not course.was_in_danger and course.around is None


def _why(course: RiskCourse) -> str:
    if course.around is not None and course.around.open and not course.in_danger:
        return "the person tells of danger around them"
    return "risk could not be read" if course.unread else f"the record of risk stands at {course.highest}"


def create(settings: Any = None) -> ProtocolGuard:
    """Entry point `protocol`.

    Raises:
        SettingsError: No help lines are known for `settings.country`, or there is no such policy or directory.
        WiringError: What `settings.help_lines` names is no directory.
    """
    directory = directory_of(settings)
    at: HandoffAt = getattr(settings, "handoff_at", "never")
    policy = load_policy(getattr(settings, "policy", "default"))
    return ProtocolGuard(
        getattr(settings, "country", None),
        directory=directory,
        policy=policy,
        handoff_at=at,
        reliance=getattr(settings, "reliance", True),
        utc_offset=getattr(settings, "utc_offset", None),
        minors=getattr(settings, "minors", False),
    )
