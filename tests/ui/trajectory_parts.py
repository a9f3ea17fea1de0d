"""Conversations as tests need them: any state, and a short one that tells a story."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from agent.decisions import Plan, RankedStrategy, Reply
from agent.readings import Affect, CausalSpan, RiskReading
from agent.state import EmotionalState, OwnAffect, Shift
from agent.testing import a_reading, a_turn
from agent.turn import Turn
from strategies.taxonomy import esconv

__all__ = ["CAUSE", "MESSAGE", "a_conversation", "a_state", "any_turns", "hostile", "planned"]

MESSAGE = "My landlord wants us out by friday & I <can't> sleep."
CAUSE = "out by friday"


def a_state(valence: float, turn: int = 0, **fields: Any) -> EmotionalState:
    given: dict[str, Any] = {"trend": 0.0, "last_shift": None, "turns_since_shift": turn, "confidence": 0.6}
    return EmotionalState(Affect(valence, 0.1, -0.1), turn + 1, **(given | fields))


def planned(strategy: str) -> Plan:
    return Plan(
        "esconv-8", (RankedStrategy(strategy, 1.0),), esconv()[strategy], "exploration", "It fits.", "rules"
    )


def a_conversation() -> list[Turn]:
    """Four turns: unpleasant, no state, worse with a cause, better with all that a state can hold."""
    cause = CausalSpan(4, 20, 20 + len(CAUSE), CAUSE, 0.9)
    worse, better = Shift(2, "worse", 0.4, cause), Shift(3, "better", 0.9, None, "Reflection of feelings")
    reply = Reply("I am here.", "offline")
    whole = a_state(
        0.4,
        3,
        last_shift=better,
        covariance=((0.04, 0.0, 0.0), (0.0, 0.09, 0.0), (0.0, 0.0, 0.01)),
        label_set="meld-7",
        emotions={"joy": 0.75, "fear": 0.25},
        expected={"joy": 1.0},
        own=OwnAffect(Affect(0.2, 0.0, 0.1), "joy", "calm"),
    )
    return [
        a_turn(id="a", index=0, at=1.7e9, emotion=a_reading(), state=a_state(-0.1), plan=planned("question"), reply=reply),
        a_turn(id="b", index=1, at=1.7e9 + 60, plan=planned("reflection"), reply=reply),
        a_turn(MESSAGE, id="c", index=2, state=a_state(-0.5, 2, last_shift=worse), risk=RiskReading("distress")),
        a_turn(id="d", index=3, at=1.7e9 + 300, state=whole, plan=planned("others"), reply=reply),
    ]  # fmt: skip


hostile = st.text(min_size=1, max_size=40) | st.sampled_from(
    [
        "</text><script>",
        "]]>&amp;",
        "\ud800\x00\x1b[31m",
        "\ufffe\uffff",
        "\u202eafraid",
        '"\'><svg onload="x"',
        "悲" * 60,
    ]
)
"""Words that a drawing could trip over."""

_unit = st.floats(-1, 1)


@st.composite
def _states(draw: st.DrawFn, turn: int) -> EmotionalState:
    labels = draw(st.lists(hostile, max_size=4, unique=True))
    weights = [1 / max(1, len(labels))] * len(labels)
    spread = draw(st.none() | st.floats(1e-6, 4))
    shift = st.builds(
        Shift, st.just(turn), st.sampled_from(["better", "worse"]), st.floats(0, 2),
        st.none() | hostile.map(lambda text: CausalSpan(0, 0, len(text), text, 0.5)), st.none() | hostile,
    )  # fmt: skip
    return EmotionalState(
        affect=Affect(draw(_unit), draw(_unit), draw(_unit)),
        turns=turn + 1,
        trend=draw(st.floats()),
        last_shift=draw(st.none() | shift),
        turns_since_shift=0,
        confidence=draw(st.floats(0, 1)),
        covariance=None if spread is None else ((spread, 0.0, 0.0), (0.0, spread, 0.0), (0.0, 0.0, spread)),
        label_set=draw(hostile | st.just("meld-7")) if labels else "",
        emotions=dict(zip(labels, weights, strict=True)),
        expected=dict(zip(labels, weights, strict=True)),
        own=draw(st.none() | st.builds(OwnAffect, st.just(Affect(0.1, 0.0, 0.0)), hostile, hostile)),
    )


@st.composite
def any_turns(draw: st.DrawFn) -> list[Turn]:
    """Up to six turns with any state or none."""
    return [
        a_turn(
            draw(hostile),
            id=str(number),
            index=number,
            at=draw(st.none() | st.floats()),
            state=draw(st.none() | _states(number)),
            emotion=draw(st.none() | hostile.map(a_reading)),
            plan=draw(st.none() | st.sampled_from(["question", "others"]).map(planned)),
            reply=draw(st.none() | st.just(Reply("Yes.", "offline"))),
            risk=draw(st.none() | st.sampled_from(["none", "distress", "acute"]).map(RiskReading)),
        )
        for number in range(draw(st.integers(0, 6)))
    ]
