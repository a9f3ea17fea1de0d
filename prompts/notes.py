"""What the notes of a prompt may say: numbers, labels of closed sets and fixed phrases, never a person's words."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from agent.readings import CausalSpan
from agent.role_marks import defused_line
from agent.state import EmotionalState
from agent.turn import Turn
from prompts.budget import Fit
from prompts.marks import CLOSE, OPEN

__all__ = ["note_values"]

_LEAST_TOP = 0.15  # five times what a flat guess among 32 emotions gives; below it nothing is known
_LEAST_SHOWN = 0.05  # a list of doubts would be read as a list of emotions
_MOST_EMOTIONS = 3  # that are named where the reader names no primary ones
_MOST_PRIMARY = 5  # the true emotion is among the first five in nine of ten messages; more would say nothing
_OF_ANOTHER = 2  # emotions named of each example
_LABEL = re.compile(r"[^\W\d_]{1,24}(?:[ _-][^\W\d_]{1,24}){0,2}")

Likely = list[tuple[str, float]]


def note_values(
    turn: Turn, fit: Fit, *, causes: Sequence[CausalSpan], tone: str, stimulus: str
) -> Mapping[str, Any]:
    """What `notes.jinja` may use. A part that the fit leaves out is empty, as if nothing had been read.

    Args:
        turn: With readings and plan, each of which may be None.
        fit: What of the turn is in the prompt.
        causes: Words that are marked, the earliest first.
        tone: What the persona says of how to sound; empty for nothing.
        stimulus: A sentence for the LLM; empty for none.
    """
    labels, plan = "labels" in fit.parts, turn.plan if "strategy" in fit.parts else None
    state = _state(turn) if labels else None
    return {
        "left_out": fit.first,
        "earlier_exchanges": max(0, turn.index - len(turn.said_by("seeker"))),
        "climate": _likely(_top(turn.state.climate, _MOST_EMOTIONS))
        if labels and fit.first and turn.state
        else [],
        "used": _used(turn, fit) if "strategy" in fit.parts else [],
        # Of the whole history: were it of what fits, the notes would not be longest where nothing does.
        "team": any(message.human for message in turn.history),
        "cut_characters": 0 if fit.cut is None else fit.cut[1] - fit.cut[0],
        "examples": [_labels_of(exemplar.emotions) for exemplar in fit.exemplars],
        "emotions": _emotions(turn, _MOST_EMOTIONS) if labels else [],
        "settled": turn.adjudication is not None and turn.adjudication.said is not None,
        "expressions": _labels(turn.expression.present) if labels and turn.expression else [],
        "affect": turn.affect if labels else None,
        "state": state,
        "felt_so_far": [] if state is None else _likely(state.top(_MOST_EMOTIONS)),
        "causes": [(cause.score, _messages_before(turn, cause)) for cause in causes],
        "brackets": (OPEN, CLOSE),
        "plan": plan,
        # An LLM may have written it, so it cannot be trusted with control tokens.
        "reason": "" if plan is None else defused_line(plan.reason),
        "tone": tone,
        "literal": turn.state is not None and turn.state.personal.literal,
        "escalated": turn.escalated,
        "care": "" if turn.care is None else defused_line(turn.care.note),
        "stimulus": stimulus,
        "objections": list(dict.fromkeys(defused_line(objection.feedback) for objection in turn.objections)),
    }


def _state(turn: Turn) -> EmotionalState | None:
    """The state, where it says something that the readings of the message do not."""
    state = turn.state
    if state is None or state.confidence == 0:
        return None  # nothing was ever read
    return None if state.turns == 1 and turn.affect is not None else state


def _emotions(turn: Turn, most: int) -> Likely:
    """HEF's first stage: the settled emotion; else the primary ones; else the likeliest."""
    if turn.emotion is None:
        return []
    if turn.adjudication is not None and turn.adjudication.said is not None:
        return _likely(turn.emotion.top())
    if not turn.emotion.primary:
        return _likely(turn.emotion.top(most))
    primary = {label: turn.emotion.probabilities[label] for label in turn.emotion.primary}
    return _likely(_top(primary, _MOST_PRIMARY), least=0.0)


def _likely(top: Sequence[tuple[str, float]], *, least: float = _LEAST_SHOWN) -> Likely:
    """Emotions that are worth naming, likeliest first; none where even the likeliest is a guess."""
    if not top or top[0][1] < _LEAST_TOP:
        return []
    return [(_spoken(label), p) for label, p in top if p >= least and _LABEL.fullmatch(label)]


def _top(probabilities: Mapping[str, float], most: int) -> list[tuple[str, float]]:
    return sorted(probabilities.items(), key=lambda pair: -pair[1])[:most]


def _labels_of(probabilities: Mapping[str, float]) -> list[str]:
    return _labels([label for label, _ in _top(probabilities, _OF_ANOTHER)])


def _labels(labels: Sequence[str]) -> list[str]:
    """Labels as words. One to three words make a label; anything longer might be somebody's text."""
    return [_spoken(label) for label in labels if _LABEL.fullmatch(label)]


def _spoken(label: str) -> str:
    return label.replace("_", " ")


def _used(turn: Turn, fit: Fit) -> list[tuple[str, int]]:
    """Strategies in the messages that do not fit, the commonest first; only such as the planner knows."""
    known = set() if turn.plan is None else {ranked.strategy for ranked in turn.plan.ranked}
    left_out = [message.strategy for message in turn.history[: fit.first] if message.strategy in known]
    return [(_spoken(strategy), times) for strategy, times in Counter(left_out).most_common() if strategy]


def _messages_before(turn: Turn, span: CausalSpan) -> int:
    """How many messages before the last one the LLM finds a span: neighbours of one side are one to it."""
    return sum(one.role != other.role for one, other in pairwise(turn.dialogue[span.utterance :]))
