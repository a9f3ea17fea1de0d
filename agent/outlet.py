"""What a guard lets out of a reply, sentence by sentence."""

from __future__ import annotations

from dataclasses import dataclass

from agent.decisions import Blocked, StageFailure
from agent.perception import failure_of
from agent.protocols import Guard
from agent.refusals import turns_away
from agent.repetition import repeats_itself
from agent.sentences import sentences_of
from agent.turn import Turn

__all__ = ["IN_CIRCLES", "TURNED_AWAY", "LetOut", "let_out"]

IN_CIRCLES = Blocked("repetition", "")
"""A sentence that the reply has said before. Nothing takes its place: what comes after it is more of it."""

TURNED_AWAY = Blocked("refusal", "")
"""A reply that begins by refusing to answer. Nothing takes its place here: somebody else speaks."""

_UNCHECKED = Blocked(
    "unchecked", "I'd rather stop here than say something that was not looked at. I'm still here; please go on."
)


@dataclass(frozen=True, slots=True)
class LetOut:
    """What may be shown.

    Attributes:
        text: All of it, or what came before the first sentence that is blocked.
        blocked: That sentence's block; None where there is none.
        failure: Of a guard that could not look: then nothing is let out.
    """

    text: str
    blocked: Blocked | None = None
    failure: StageFailure | None = None

    def with_instead(self, said: str) -> str:
        """The text, and what is said in place of what is blocked.

        Args:
            said: What was shown before.
        """
        if self.blocked is None:
            return self.text
        if not self.blocked.instead:
            return self.text.rstrip()
        between = " " if (said + self.text).strip() and not (said + self.text)[-1].isspace() else ""
        return f"{self.text}{between}{self.blocked.instead}"


def let_out(guard: Guard | None, turn: Turn, said: str, text: str, *, others: bool = False) -> LetOut:
    """What of some sentences may be shown: what the guard allows, and nothing that the reply has said before.

    Args:
        guard: None lets everything out.
        turn: As screened.
        said: What was shown before.
        text: Sentences that are complete, or the end of the reply.
        others: Somebody else can speak instead. Then no reply is let out that begins by turning the person away.
    """
    if guard is None:
        return LetOut(text)
    shown, before = "", sentences_of(said)
    for sentence in sentences_of(text):
        before.append(sentence)
        if repeats_itself(before):
            return LetOut(shown, IN_CIRCLES)
        if others and not (said + shown).strip() and turns_away(sentence):
            return LetOut(shown, TURNED_AWAY)
        try:
            blocked = guard.check(turn, said + shown, sentence)
            if blocked is not None and not isinstance(blocked, Blocked):
                raise TypeError(type(blocked).__name__)
        except Exception as error:  # noqa: BLE001 - a guard that fails has allowed nothing
            return LetOut(shown, _UNCHECKED, failure_of("check", guard.name, error))
        if blocked is not None:
            return LetOut(shown, blocked)
        shown += sentence
    return LetOut(shown)
