"""What a turn says that matters for the choice of a strategy, each fact with a strength.

A fact that cannot be known, because its reading is missing, is absent: that is no evidence of
its opposite.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

from agent.turn import Turn
from strategies.cues import find_cues

__all__ = ["Fact", "find_facts", "valence"]

Fact = Literal[
    "greeting",
    "farewell",
    "thanks",
    "asks_advice",
    "asks_fact",
    "rejects",
    "good_news",
    "distress",
    "overwhelmed",
    "worsening",
    "improving",
    "self_blame",
    "plain_words",
    "cause_unknown",
    "told_much",
    "early_unasked",
    "unasked",
    "two_questions",
]

_PLEASANT = frozenset(
    {
        "admiration", "amusement", "approval", "caring", "confident", "content", "excited",
        "excitement", "faithful", "grateful", "gratitude", "hopeful", "impressed", "joy", "joyful",
        "love", "optimism", "prepared", "pride", "proud", "relief", "trusting",
    }
)  # fmt: skip
"""Pleasant labels of EmpatheticDialogues and GoEmotions. Mixed ones (surprised, nostalgic, ...)
and labels of other sets are in neither list and count as no evidence."""

_UNPLEASANT = frozenset(
    {
        "afraid", "anger", "angry", "annoyance", "annoyed", "anxious", "apprehensive", "ashamed",
        "devastated", "disappointed", "disappointment", "disapproval", "disgust", "disgusted",
        "embarrassed", "embarrassment", "fear", "furious", "grief", "guilty", "jealous", "lonely",
        "nervousness", "remorse", "sad", "sadness", "terrified",
    }
)  # fmt: skip

_SELF_BLAME = frozenset({"ashamed", "embarrassed", "embarrassment", "guilty", "remorse"})

_MANY_CHARACTERS = 400  # a message of this length is a story, to be answered as one
_SHIFT_STRENGTHS = {0: 1.0, 1: 0.5}  # by turns since a marked change: it echoes once
_EARLY_TURNS = 3  # supporter turns before which unasked advice comes too soon


def find_facts(turn: Turn, *, strategies: Sequence[str | None]) -> Mapping[Fact, float]:
    """Facts that hold, each with its strength in (0, 1].

    Args:
        turn: Any of its readings may be None.
        strategies: What each supporter turn in the history did; None where unknown.
    """
    cues = find_cues(turn.text)
    facts: dict[Fact, float] = dict.fromkeys(cues, 1.0)
    facts["good_news"] = _good_news(turn, told="good_news" in cues)
    facts["distress"] = _distress(turn) * (1 - facts["good_news"])
    facts["overwhelmed"] = _overwhelmed(turn) * (1 - facts["good_news"])
    facts["self_blame"] = min(1.0, 2 * _mass(turn, _SELF_BLAME))
    facts["told_much"] = float(len(turn.text) >= _MANY_CHARACTERS)
    facts["two_questions"] = float(len(strategies) >= 2 and set(strategies[-2:]) == {"question"})  # noqa: PLR2004
    if turn.state is not None and turn.state.last_shift is not None:
        shift: Fact = "worsening" if turn.state.last_shift.direction == "worse" else "improving"
        facts[shift] = _SHIFT_STRENGTHS.get(turn.state.turns_since_shift, 0.0)
    if turn.expression is not None:
        facts["plain_words"] = turn.expression.neutrality * (1 - facts["distress"])
    if turn.cause is not None and not turn.cause.spans:
        facts["cause_unknown"] = facts["distress"]
    if cues <= {"rejects", "good_news"}:  # courtesies are no occasion for advice either way
        early = max(turn.index, len(strategies)) < _EARLY_TURNS
        facts["early_unasked" if early else "unasked"] = 1.0
    return {fact: strength for fact, strength in facts.items() if strength > 0}


def valence(turn: Turn) -> float | None:
    """How this message sounds, from -1 (unpleasant) to 1; None where nothing was read.

    Taken from the affect reading, else from the emotion, else from the expressions shown.
    """
    if turn.affect is not None:
        return turn.affect.valence
    if turn.emotion is not None:
        return _mass(turn, _PLEASANT) - _mass(turn, _UNPLEASANT)
    if turn.expression is not None and turn.expression.present:
        present = turn.expression.present
        signs = [(label in _PLEASANT) - (label in _UNPLEASANT) for label in present]
        return sum(signs) / len(present)
    return None


def _mass(turn: Turn, labels: frozenset[str]) -> float:
    """Probability that the emotion is one of `labels`; 0 where it was not read."""
    if turn.emotion is None:
        return 0.0
    return sum(p for label, p in turn.emotion.probabilities.items() if label in labels)


def _good_news(turn: Turn, *, told: bool) -> float:
    """The message itself decides: the smoothed state lags behind what has just turned good."""
    now = valence(turn)
    if now is None:
        return float(told)
    if told:
        return 1.0 if now > -0.1 else 0.0  # noqa: PLR2004 - phrases are no match for a sad reading
    return _ramp(now, low=0.15, high=0.5)


def _distress(turn: Turn) -> float:
    """From the tracked state where there is evidence for it, else from the message."""
    if turn.risk is not None and turn.risk.level != "none":
        return 1.0
    tracked = turn.state is not None and turn.state.confidence > 0
    now = turn.state.affect.valence if turn.state is not None and tracked else valence(turn)
    return 0.0 if now is None else _ramp(-now, low=0.1, high=0.5)


def _overwhelmed(turn: Turn) -> float:
    """Unpleasant, and either stirred up or out of control."""
    affect = turn.state.affect if turn.state is not None and turn.state.confidence > 0 else turn.affect
    if affect is None or affect.valence > -0.2:  # noqa: PLR2004
        return 0.0
    return max(_ramp(affect.arousal, low=0.2, high=0.7), _ramp(-affect.dominance, low=0.2, high=0.7))


def _ramp(value: float, *, low: float, high: float) -> float:
    """0 up to `low`, 1 from `high`, straight between."""
    return min(1.0, max(0.0, (value - low) / (high - low)))
