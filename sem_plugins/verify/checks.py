"""The shipped verifier: six checks of a draft, each with a fixed phrase for the next one.

What a reply must not do is looked for in everything that is about to be shown: `safety`, `language`, `repeats`,
`worse`. What it should do is looked for in its opening, the first two sentences: `plan`, `empathy`. A reply that
opened well is not to be cut because its fourth sentence asks a question.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

from agent.decisions import Objection
from agent.errors import WeightsError
from agent.refusals import turns_away
from agent.repetition import repeats_itself
from agent.safety.outgoing import load_outgoing
from agent.safety.prompt_words import gives_prompt_away
from agent.sentences import OPENING, sentences_of
from agent.turn import Message, Turn
from sem_plugins.affect.plugin import AffectPlugin
from sem_plugins.empathy.reader import likeliest_levels
from sem_plugins.encoder import Encoder
from sem_plugins.labels import ESCONV
from sem_plugins.language import in_other_language, is_readable, readability
from sem_plugins.vectors import mean_vector, vector_encoder
from sem_plugins.verify.recogniser import Recogniser, features_of, load_recogniser
from sem_plugins.verify.words import (
    has_role_marks,
    in_other_script,
    repeats_one_of,
)
from sem_plugins.weights import SHIPPED

__all__ = ["FEEDBACK", "Checks", "create"]

FEEDBACK: Mapping[str, str] = MappingProxyType(
    {
        "safety": "Write your own reply and nothing else: no role names, no marks, no claim to be a human being.",
        "language": "Answer in the language that the person writes in.",
        "repeats": "Say something that was not said yet, and say nothing twice.",
        "worse": "Do not dwell on what is bad. Leave the person no worse off than they came.",
        "plan": "Begin with the strategy that is planned, and with no other.",
        "empathy": "Begin with what the person feels, in words that belong to what they told.",
    }
)
"""Check to what the next draft should do otherwise; in the order in which they are made, the gravest first."""

_EARLIER = 6  # replies that a draft is compared with
_TELLING = 4  # words that show which language somebody writes

_FALL = 0.8  # of valence, from the message to the draft: 1.8% of 2,500 answers of ESConv train fall further
_STRONG = 0.5  # intensity of the message's affect: the unpleasant ones above it are 16% of those messages


class Checks:
    """Looks at drafts with the shipped models.

    A check whose reading is missing is not made: without a plan nothing breaks it.

    Args:
        encoder: With the inner tensor `VECTORS`.
        recogniser: Learned for its weights.
    """

    name = "checks"
    reads = frozenset({"text", "history"})

    def __init__(self, encoder: Encoder, recogniser: Recogniser) -> None:
        self._encoder = encoder
        self._recogniser = recogniser
        self._affect = AffectPlugin(encoder)

    def check(self, turn: Turn, draft: str, *, whole: bool) -> Objection | None:  # noqa: ARG002 - the protocol's
        """The gravest objection, or None. Takes two passes of the encoder at most."""
        found = next(self.found(turn, draft), None)
        return None if found is None else Objection(found, FEEDBACK[found])

    def found(self, turn: Turn, draft: str) -> Iterator[str]:
        """Every check that finds something, the gravest first.

        Args:
            turn: With readings and plan; any may be None.
            draft: From its beginning to the end of a sentence.
        """
        sentences = sentences_of(draft)
        if has_role_marks(draft) or load_outgoing().holds("human", draft) or gives_prompt_away(turn, draft):
            yield "safety"
        if self._in_other_language(turn, draft, sentences[-1] if sentences else ""):
            yield "language"
        if repeats_itself(sentences) or repeats_one_of(draft, turn.said_by("supporter")[-_EARLIER:]):
            yield "repeats"
        if not is_readable(draft):  # the encoder knows English alone
            return
        if self._leaves_worse(turn, draft):
            yield "worse"
        if len(sentences) > OPENING:
            return
        if self._breaks_plan(turn, draft):
            yield "plan"
        if turns_away(sentences[0]) or self._passes_over(turn, draft):
            yield "empathy"

    def _in_other_language(self, turn: Turn, draft: str, newest: str) -> bool:
        """As the person's newest message of some length; an "ok" is English only where there is none."""
        said = [turn.text, *reversed(turn.said_by("seeker"))]
        for fewest in (_TELLING, 0):
            for message in said:
                kind = readability(message).kind
                if kind == "other language" or (kind == "english" and len(message.split()) >= fewest):
                    return in_other_language(message, draft) or in_other_script(message, newest)
        return False

    def _leaves_worse(self, turn: Turn, draft: str) -> bool:
        """Whether the draft, read as if the person had said it, is below zero and far below what they said."""
        if turn.affect is None:
            return False
        [affect] = self._affect([_alone(draft)])
        return affect is not None and affect.valence < min(0.0, turn.affect.valence - _FALL)

    def _breaks_plan(self, turn: Turn, draft: str) -> bool:
        if turn.plan is None or turn.plan.taxonomy != ESCONV.id:
            return False
        vector = mean_vector(self._encoder.read_turn(_alone(draft)))
        planned = [strategy.id for strategy in (turn.plan.chosen, *turn.plan.then)]
        return vector is not None and self._recogniser.follows_none(features_of(vector, draft), planned)

    def _passes_over(self, turn: Turn, draft: str) -> bool:
        """Whether the message is unpleasant and intense, and the draft shows none of EPITOME's mechanisms."""
        if turn.affect is None or turn.affect.valence >= 0 or turn.affect.intensity < _STRONG:
            return False
        if not is_readable(turn.text):
            return False
        pair = (Message("seeker", turn.text), Message("supporter", draft))
        return not any(likeliest_levels(self._encoder.read(pair)).values())


def _alone(text: str) -> Turn:
    return Turn("", "", 0, text)


@lru_cache(maxsize=2)
def _loaded(folder: Path, threads: int) -> tuple[Encoder, Recogniser]:
    encoder = vector_encoder(folder, threads)
    manifest = encoder.manifest
    lacking = sorted({"affect", "empathy"} - manifest.heads.keys())
    if lacking:
        raise WeightsError(
            f"The weights in {str(folder)!r} have no head {lacking[0]!r}, which the verifier 'checks' reads. "
            'Train them whole, or set `verifier = "none"`.'
        )
    return encoder, load_recogniser(manifest)


def create(settings: Any = None) -> Checks:
    """Entry point `checks`.

    Raises:
        WeightsError: The weights are missing or altered, lack a head, or no recogniser was learned for them.
    """
    return Checks(*_loaded(getattr(settings, "weights", None) or SHIPPED, getattr(settings, "threads", 0)))
