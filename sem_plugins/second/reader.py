"""The second reader: asks an LLM where the small models are unsure, or cannot read."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Protocol, get_args

from agent.asking import Asker, Choice
from agent.binding import WAYS
from agent.decision_asker import DecisionAsker
from agent.decisions import PromptMessage
from agent.errors import GenerationError, LLMSlowError, SettingsError
from agent.options import Part, TwoStage, checked_two_stage, parts_of
from agent.perception import failure_of
from agent.presets import PRESETS, ways_of
from agent.probe import LLMServer
from agent.readings import DANGER, CausalSpan, CauseReading, EmotionReading, RiskLevel, RiskReading
from agent.turn import Turn
from sem_plugins.labels import EMPATHETIC_DIALOGUES
from sem_plugins.language import readability
from sem_plugins.second.pooling import adjudication, primary_of, zero_shot
from sem_plugins.second.questions import (
    cause_question,
    emotion_question,
    lettered,
    none_letter,
    risk_question,
    shown,
)

__all__ = ["READS", "WIDEST_SET", "Asks", "SecondLook", "create", "quoted"]

READS = ("emotion", "cause", "risk")
"""Readings that an LLM can be asked for."""

WIDEST_SET = 6
"""Primary emotions that need no second look. Of the messages of EmpatheticDialogues valid, in their dialogues,
46% have more; the small model names their emotion in a third of the cases, and in two thirds of the others'."""

_SECONDS = 6.0  # of one question; the person waits
_TOO_SLOW = 2  # questions in a row without an answer in time
_LEFT_ALONE = 300.0  # seconds; a slow machine is no quicker a message later, and each try costs the person six
_QUOTED = 0.5  # probability of a cause that an LLM quoted: nothing was measured that says more
_QUOTATION_MARKS = "\"'\N{LEFT DOUBLE QUOTATION MARK}\N{RIGHT DOUBLE QUOTATION MARK}"
_LADDER: tuple[RiskLevel, ...] = get_args(RiskLevel)
_READ = frozenset({"english", "too short to tell"})  # what the small models know


class Asks(Protocol):
    """Puts a short question to an LLM (`agent.asking.Asker`)."""

    async def choose(self, messages: Sequence[PromptMessage], choices: Sequence[str]) -> Choice:
        """One of the choices."""
        ...

    async def fill(self, messages: Sequence[PromptMessage], schema: Mapping[str, Any]) -> Mapping[str, Any] | None:
        """An object of the schema; None where the answer is none."""
        ...


class SecondLook:
    """Has the emotion adjudicated (HEF's two stages as a question of its own), and reads what was not read.

    Where the small model's set of primary emotions is wider than `widest_set` (`adaptive`), or always
    (`adjudicated`), the LLM picks from the set, or opens the other emotions; what both think together goes on as
    `Turn.emotion`. `inline` asks nothing: the prompt of the reply holds both stages.

    Where a small model cannot tell, since it failed or the message is not in English, the readings named by
    `reads` are made by the LLM alone: an emotion of the 32, a cause that it quotes word by word, and a risk that
    is higher than what was read, never lower: a message that nobody else could judge stays unjudged where the LLM
    sees nothing in it.

    Nothing is asked where danger was read: the careful reply does not wait for an LLM. After two questions in a
    row that got no answer in time, only risk is asked for during five minutes.

    Args:
        asker: Asks the LLM.
        two_stage: What is done unless the request says otherwise.
        widest_set: Primary emotions that need no second look.
        reads: Of `READS`, those that the LLM makes where nobody else can.
        variant: Of the prompt, unless the request says otherwise; without `labels` in it no emotion is asked for.
        clock: Seconds that never go back.

    Raises:
        SettingsError: `reads` or `two_stage` names something that there is not.

    Source:
        HEF (Yang et al. 2024, arXiv 2402.11801) for the two stages; which sets are wide is conformal.
    """

    name = "llm"
    reads = frozenset({"text", "history", "options"})

    def __init__(
        self,
        asker: Asks,
        *,
        two_stage: TwoStage = "adaptive",
        widest_set: int = WIDEST_SET,
        reads: Sequence[str] = ("emotion", "cause"),
        variant: str = "hef+strategy",
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        unknown = sorted(set(reads) - set(READS))
        if unknown:
            raise SettingsError(f"`llm_reads` names {unknown[0]!r}. An LLM can be asked for: {', '.join(READS)}.")
        self._asker, self._reads = asker, frozenset(reads)
        self._two_stage, self._widest_set = checked_two_stage(two_stage), widest_set
        self._variant = variant
        self._clock, self._late, self._again_at = clock, 0, clock()

    async def look_again(self, turn: Turn) -> Turn:
        """The turn with what the LLM adds. A question that fails leaves its reading as it was, and is noted."""
        if turn.risk is not None and turn.risk.level in DANGER:
            return turn
        foreign = readability(turn.text).kind not in _READ
        steps: list[Callable[[Turn], Awaitable[Turn]]] = []
        if "risk" in self._reads and (turn.risk is None or foreign):
            steps.append(self._risk)
        if self._clock() >= self._again_at:
            if "labels" in self._parts(turn):
                if turn.emotion is None:
                    steps += [self._emotion] if "emotion" in self._reads else []
                elif self._wide(turn, turn.emotion):
                    steps.append(self._adjudicated)
            if "cause" in self._reads and (turn.cause is None or (foreign and not turn.cause.spans)):
                steps.append(self._cause)
        for step in steps:
            try:
                turn = await step(turn)
            except GenerationError as error:
                self._count(late=isinstance(error, LLMSlowError))
                # What cannot be reached for one question cannot be reached for the next.
                return turn.note(failure_of("reread", self.name, error))
            self._count(late=False)
        return turn

    def _count(self, *, late: bool) -> None:
        self._late = self._late + 1 if late else 0
        if self._late >= _TOO_SLOW:
            self._again_at = self._clock() + _LEFT_ALONE

    def _parts(self, turn: Turn) -> frozenset[Part]:
        return parts_of(turn.options.variant or self._variant)

    def _wide(self, turn: Turn, reading: EmotionReading) -> bool:
        match turn.options.two_stage or self._two_stage:
            case "inline":
                return False
            case "adjudicated":
                return True
            case _:
                return bool(reading.caveat) or len(primary_of(reading)) > self._widest_set

    async def _adjudicated(self, turn: Turn) -> Turn:
        """The LLM picks a primary emotion, or else another one."""
        reading = turn.emotion
        if reading is None:
            return turn
        letters = lettered(primary_of(reading))
        none = none_letter(letters)
        first = await self._asker.choose(emotion_question(turn, letters, (), self._parts(turn)), [*letters, none])
        offered = {label: first.probabilities[letter] for letter, label in letters.items() if first.probabilities}
        said, opened, speaker = letters.get(first.picked or ""), False, first.speaker
        others = [label for label in reading.probabilities if label not in letters.values()]
        if first.picked == none and len(others) > 1:
            second = await self._asker.choose(emotion_question(turn, None, others, self._parts(turn)), others)
            said, opened = second.picked, second.picked is not None
        return turn.adjudicated(adjudication(reading, said, offered, opened=opened, speaker=speaker))

    async def _emotion(self, turn: Turn) -> Turn:
        """An emotion that the small model could not read."""
        labels = EMPATHETIC_DIALOGUES.labels
        choice = await self._asker.choose(emotion_question(turn, None, labels, self._parts(turn)), labels)
        if choice.picked is None:
            return turn
        return turn.fill(emotion=zero_shot(EMPATHETIC_DIALOGUES.id, labels, choice.picked, choice.speaker))

    async def _cause(self, turn: Turn) -> Turn:
        """A cause that the small model could not read: words that a message of the seeker really holds."""
        answer = await self._asker.fill(*cause_question(turn))
        span = quoted(turn, str(answer["quote"])) if answer else None
        if span is None:
            return turn
        return replace(turn, cause=CauseReading((span,), source=self.name))

    async def _risk(self, turn: Turn) -> Turn:
        """A risk that is higher than what was read. The LLM alone never says that there is none."""
        choice = await self._asker.choose(risk_question(turn), _LADDER)
        read = turn.risk.level if turn.risk is not None else "none"
        if choice.picked is None or _LADDER.index(choice.picked) <= _LADDER.index(read):
            return turn
        level: RiskLevel = _LADDER[_LADDER.index(choice.picked)]
        if turn.risk is None:
            return turn.fill(risk=RiskReading(level, source=choice.speaker))
        return replace(turn, risk=replace(turn.risk, level=level, source=f"{turn.risk.source}+{choice.speaker}"))


def quoted(turn: Turn, quote: str) -> CausalSpan | None:
    """Where the seeker said the quoted words, newest message first; None where they never did."""
    quote = quote.strip().strip(_QUOTATION_MARKS)
    if not quote:
        return None
    first = len(turn.dialogue) - len(shown(turn))
    for place in range(len(turn.dialogue) - 1, first - 1, -1):
        message = turn.dialogue[place]
        # Not `casefold`: it may change the number of characters.
        start = message.text.lower().find(quote.lower()) if message.role == "seeker" else -1
        end = start + len(quote)
        if start >= 0 and message.text[start:end].lower() == quote.lower():
            return CausalSpan(place, start, end, message.text[start:end], _QUOTED)
    return None


def create(settings: Any) -> SecondLook:
    """Entry point `llm`, with the LLM that the `llm_…` settings name.

    Raises:
        SettingsError: `llm_url` is missing or unusable, or `llm_reads` names something that there is not.
    """
    server, model = LLMServer.from_settings(settings), settings.llm_model
    ways = ways_of(PRESETS[settings.llm_preset].features) if settings.llm_preset else WAYS
    made = DecisionAsker if settings.llm_decisions else Asker
    return SecondLook(
        made(server, model=model, seconds=_SECONDS, ways=ways),
        two_stage=settings.two_stage,
        widest_set=settings.widest_set,
        reads=settings.llm_reads,
        variant=settings.variant,
    )
