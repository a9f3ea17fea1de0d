from __future__ import annotations

import json
import math
import traceback
from dataclasses import MISSING, fields, is_dataclass, replace
from types import MappingProxyType
from typing import Any, get_args

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.deadline import Deadline
from agent.decisions import (
    Care,
    Contact,
    Ground,
    Handoff,
    Objection,
    Plan,
    Prompt,
    PromptMessage,
    RankedStrategy,
    Reply,
    Stage,
    StageFailure,
    Strategy,
    Timing,
    TokenUsage,
    Verdict,
)
from agent.errors import StoreError
from agent.options import Options, TwoStage
from agent.readings import (
    Affect,
    CausalSpan,
    CauseReading,
    EmotionReading,
    ExpressionReading,
    FeltReading,
    RiskLevel,
    RiskReading,
    SenseReading,
    StrategyReading,
    UndertoneReading,
)
from agent.record import SCHEMA, from_record, pack, to_record
from agent.safety.answered import QUESTIONS
from agent.safety.course import RiskChange, RiskCourse
from agent.safety.reliance import Reliance
from agent.safety.sitting import Sitting
from agent.safety.situations import SITUATIONS, Around
from agent.safety.steps import STEPS, Ladder, Why
from agent.second_look import Adjudication, Exemplar, ExemplarReading
from agent.state import EmotionalState, OwnAffect, PersonalCalibration, Shift
from agent.testing import a_turn
from agent.turn import Message, Turn
from tests.contracts.store_contract import a_course, a_full_turn, a_plan, a_reliance, a_sitting, a_state

words = st.text(max_size=20)
counts = st.integers(-(2**60), 2**60)
numbers = st.floats(allow_nan=False)
unit = st.floats(0, 1)
signed = st.floats(-1, 1)
affects = st.builds(Affect, signed, signed, signed)


def listed(items: st.SearchStrategy[Any]) -> st.SearchStrategy[tuple[Any, ...]]:
    return st.lists(items, max_size=3).map(tuple)


def maybe(value: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.none() | value


@st.composite
def distributions(draw: st.DrawFn) -> dict[str, float]:
    weights = draw(st.dictionaries(words, st.floats(0.01, 1), min_size=1, max_size=4))
    total = sum(weights.values())
    return {label: weight / total for label, weight in weights.items()}


@st.composite
def expressions(draw: st.DrawFn) -> ExpressionReading:
    probabilities = draw(st.dictionaries(words, unit, min_size=1, max_size=4))
    present = draw(listed(st.sampled_from(sorted(probabilities))))
    return ExpressionReading(draw(words), probabilities, present, draw(words))


@st.composite
def spans(draw: st.DrawFn) -> CausalSpan:
    text, start = draw(st.text(min_size=1, max_size=20)), draw(st.integers(0, 99))
    return CausalSpan(draw(st.integers(0, 99)), start, start + len(text), text, draw(unit))


@st.composite
def adjudications(draw: st.DrawFn) -> Adjudication:
    before = EmotionReading(draw(words), draw(distributions()), draw(words))
    said = draw(maybe(st.sampled_from(sorted(before.probabilities))))
    won = draw(st.sampled_from(["sem", "llm", "both"]))
    rest = (draw(words), draw(st.just({}) | distributions()), draw(words))
    return Adjudication(before, before, said, draw(st.booleans()), won, *rest)


shares = st.floats(0, 1)
finite = st.floats(allow_nan=False, allow_infinity=False)
states = st.builds(
    EmotionalState,
    affects,
    counts,
    numbers,
    maybe(st.builds(Shift, counts, st.sampled_from(["better", "worse"]), numbers, maybe(spans()), maybe(words))),
    counts,
    numbers,
    maybe(st.just(((1.0, 0.5, 0.0), (0.5, 1.0, 0.0), (0.0, 0.0, 0.25)))),
    words,
    distributions(),
    distributions(),
    distributions(),
    st.dictionaries(words, distributions(), max_size=2),
    st.dictionaries(words, numbers, max_size=2),
    maybe(st.builds(OwnAffect, affects, words, words)),
    st.builds(
        PersonalCalibration,
        st.integers(0, 99),
        st.dictionaries(words, finite, max_size=2),
        st.floats(1, 9),
        st.booleans(),
    ),
    st.dictionaries(words, shares, max_size=2),
    st.tuples(numbers, numbers),
    st.tuples(numbers, numbers),
    counts,
    maybe(finite),
)
steps = st.sampled_from(STEPS)
extents = listed(st.tuples(counts, counts))


arounds = st.builds(
    Around,
    st.sampled_from(SITUATIONS),
    st.booleans(),
    st.booleans(),
    st.booleans(),
    st.booleans(),
    counts,
    counts,
    listed(words),
)


@st.composite
def courses(draw: st.DrawFn) -> RiskCourse:
    pairs = [sorted(draw(st.tuples(steps, steps)), key=STEPS.index) for _ in range(2)]
    change = st.builds(
        RiskChange,
        counts,
        st.sampled_from(get_args(Ladder)),
        steps,
        steps,
        st.sampled_from(get_args(Why)),
        extents,
    )
    return RiskCourse(
        level=pairs[0][0],
        others=pairs[1][0],
        peak=pairs[0][1],
        others_peak=pairs[1][1],
        quiet=draw(counts),
        others_quiet=draw(counts),
        stood=draw(counts),
        others_stood=draw(counts),
        fresh=draw(st.booleans()),
        unread=draw(st.booleans()),
        denials=draw(counts),
        softer=draw(st.booleans()),
        asked=draw(maybe(st.sampled_from(QUESTIONS))),
        done=draw(listed(words)),
        lines=draw(listed(words)),
        changes=draw(listed(change)),
        around=draw(maybe(arounds)),
    )


senses = maybe(st.builds(SenseReading, words, distributions(), shares, words))
stages = st.sampled_from(get_args(Stage))
strategies = st.builds(Strategy, words, words, words, words, words, st.dictionaries(stages, numbers))
ranked = listed(st.builds(RankedStrategy, words, numbers))
roles = st.sampled_from(["system", "user", "assistant"])
messages = st.builds(Message, st.sampled_from(["seeker", "supporter"]), words, maybe(words), st.booleans())
reliances = st.builds(
    Reliance,
    listed(counts),
    counts,
    counts,
    maybe(numbers),
    maybe(numbers),
    maybe(counts),
    counts,
    st.booleans(),
    st.booleans(),
)


@st.composite
def sittings(draw: Any) -> Sitting:
    began, noticed, latest = sorted(draw(st.tuples(*[st.floats(0, 1e11)] * 3)))
    times = draw(st.sampled_from([(None, None, None), (began, latest, None), (began, latest, noticed)]))
    return Sitting(*times, draw(st.booleans()), draw(maybe(st.floats(0, 100))))


turns = st.builds(
    Turn,
    id=words,
    conversation_id=words,
    index=counts,
    text=words,
    history=listed(messages),
    state_before=maybe(states),
    course_before=maybe(courses()),
    course=maybe(courses()),
    care=maybe(st.builds(Care, words, listed(words), words, words)),
    emotion=maybe(st.builds(EmotionReading, words, distributions(), words)),
    expression=maybe(expressions()),
    affect=maybe(affects),
    cause=maybe(st.builds(CauseReading, listed(spans()), words)),
    likely_strategies=maybe(st.builds(StrategyReading, words, distributions(), words)),
    risk=maybe(
        st.builds(
            RiskReading,
            st.sampled_from(get_args(RiskLevel)),
            listed(words),
            listed(st.tuples(counts, counts)),
            words,
            others=st.just("none"),
        )
    ),
    felt=maybe(st.builds(FeltReading, shares, shares, words)),
    undertone=maybe(st.builds(UndertoneReading, shares, shares, listed(st.tuples(counts, counts)), words)),
    reliance=maybe(reliances),
    reliance_before=maybe(reliances),
    sitting=maybe(sittings()),
    sitting_before=maybe(sittings()),
    notices=listed(words),
    contact=maybe(
        st.builds(Contact, maybe(words), st.booleans(), maybe(st.sampled_from(["queued", "sent", "failed"])))
    ),
    handoff=maybe(
        st.builds(Handoff, st.sampled_from(["ideation", "plan", "acute", "asked"]), maybe(st.booleans()))
    ),
    at=maybe(finite),
    options=st.builds(
        Options,
        maybe(words),
        maybe(st.sampled_from(get_args(TwoStage))),
        maybe(words),
        maybe(finite),
        maybe(counts),
        maybe(st.booleans()),
        maybe(words),
    ),
    context_tokens=maybe(counts),
    exemplars=maybe(
        st.builds(
            ExemplarReading,
            listed(st.builds(Exemplar, st.just("They left."), words, st.dictionaries(words, shares), shares)),
            words,
        )
    ),
    adjudication=maybe(adjudications()),
    voice=senses,
    face=senses,
    body=senses,
    state=maybe(states),
    plan=maybe(
        st.builds(
            Plan,
            words,
            ranked,
            strategies,
            stages,
            words,
            words,
            listed(strategies),
            words,
            st.booleans(),
            listed(st.builds(Ground, words, listed(words))),
        )
    ),
    prompt=maybe(st.builds(Prompt, listed(st.builds(PromptMessage, roles, words)), words, words, counts)),
    reply=maybe(st.builds(Reply, words, words, words, maybe(st.builds(TokenUsage, counts, counts)), maybe(words))),
    objections=listed(st.builds(Objection, words, words)),
    verdicts=listed(st.builds(Verdict, st.sampled_from(["allow", "steer", "escalate"]), words, listed(words))),
    failures=listed(st.builds(StageFailure, words, words, words, words)),
    timings=listed(st.builds(Timing, words, numbers)),
)


def through_json(turn: Turn, **options: Any) -> Turn:
    return from_record(json.loads(json.dumps(to_record(turn, **options), allow_nan=False)))


def damaged(path: str, value: Any) -> dict[str, Any]:
    """The record of a full turn with one place of it changed; `value` MISSING takes the place away."""
    record = json.loads(json.dumps(to_record(a_full_turn(history=(Message("seeker", "Hi."),)))))
    at = record
    *way, last = [int(step) if step.isdigit() else step for step in path.split(".")]
    for step in way:
        at = at[step]
    if value is MISSING:
        del at[last]
    else:
        at[last] = value
    return record


def is_filled(value: Any) -> bool:
    """Whether no dataclass below `value` has a field at its default."""
    if isinstance(value, tuple):
        return all(map(is_filled, value))
    return not is_dataclass(value) or all(
        getattr(value, field.name) != field.default and is_filled(getattr(value, field.name))
        for field in fields(value)
        if field.metadata.get("kept", True)
    )


@settings(deadline=None, database=None)
@given(turns)
def test_that_the_quick_way_to_a_record_and_the_long_one_end_at_the_same(turn: Turn):
    long = json.dumps({"schema": SCHEMA, **pack(turn)})
    assert json.dumps(to_record(turn)) == long


@settings(deadline=None, database=None)
@given(turns)
def test_that_a_turn_survives_json(turn: Turn):
    back = through_json(turn)
    assert back == turn
    assert [timing.milliseconds for timing in back.timings] == [timing.milliseconds for timing in turn.timings]


def test_that_a_turn_with_every_field_filled_survives_json():
    turn = a_full_turn(
        index=3, history=(Message("supporter", "Hi.", "question", human=True),), state_before=a_state(0.5)
    )
    turn = replace(turn, course_before=a_course(2), reliance_before=a_reliance(2), sitting_before=a_sitting(2))
    assert is_filled(turn), "a field was added: fill it in `a_full_turn`, and draw it in `turns` above"
    assert through_json(turn) == turn


def test_that_a_deadline_which_means_nothing_to_another_process_is_not_kept():
    back = through_json(a_full_turn(options=Options(max_tokens=9, deadline=Deadline(12.5))))
    assert back.options == Options(max_tokens=9)


def test_that_what_was_read_only_comes_back_read_only():
    plan = a_plan()
    turn = a_full_turn(plan=replace(plan, chosen=replace(plan.chosen, stages=MappingProxyType({"action": 1.0}))))
    back = through_json(turn)
    assert back == turn
    assert back.emotion is not None
    assert back.plan is not None
    assert isinstance(back.emotion.probabilities, MappingProxyType)
    assert isinstance(back.plan.chosen.stages, MappingProxyType)


def test_that_labels_keep_their_order():
    back = through_json(a_full_turn(emotion=EmotionReading("l", {"z": 0.5, "a": 0.25, "m": 0.25})))
    assert back.emotion is not None
    assert list(back.emotion.probabilities) == ["z", "a", "m"]


@pytest.mark.parametrize("trend", [math.inf, -math.inf, math.nan])
def test_that_numbers_that_json_lacks_survive(trend: float):
    back = through_json(a_turn(state=replace(a_state(), trend=trend)))
    assert back.state is not None
    assert back.state.trend == pytest.approx(trend, nan_ok=True)


def test_that_numpys_numbers_are_kept_as_numbers():
    reading = EmotionReading("test-2", {"anxious": np.float32(0.75), "content": np.float64(0.25)})  # type: ignore[dict-item]
    risk = RiskReading("none", evidence=((np.int64(0), np.int32(4)),))  # type: ignore[arg-type]
    back = through_json(a_turn(emotion=reading, risk=risk))
    assert back == a_turn(emotion=reading, risk=risk)


def test_that_a_record_names_its_schema():
    assert to_record(a_turn())["schema"] == SCHEMA == 1


def test_that_what_the_turns_before_hold_can_be_left_out():
    turn = a_full_turn(history=(Message("seeker", "Hi."),), state_before=a_state(), course_before=a_course())
    turn = replace(turn, reliance_before=a_reliance(), sitting_before=a_sitting())
    left_out = {"history", "state_before", "course_before", "reliance_before", "sitting_before"}
    assert to_record(turn, context=False).keys() == to_record(turn).keys() - left_out
    assert through_json(turn, context=False) == replace(
        turn, history=(), state_before=None, course_before=None, reliance_before=None, sitting_before=None
    )


def test_that_fields_with_a_default_may_be_missing():
    assert from_record({"schema": 1, "id": "i", "conversation_id": "c", "index": 0, "text": "Hi."}) == Turn(
        "i", "c", 0, "Hi."
    )


def test_that_a_record_from_before_plans_held_what_follows_still_reads():
    turn = a_full_turn()
    record = json.loads(json.dumps(to_record(turn)))
    for name in ("then", "stands_in", "by_request", "grounds"):
        del record["plan"][name]
    assert turn.plan is not None
    plan = replace(turn.plan, then=(), stands_in="", by_request=False, grounds=())
    assert from_record(record) == replace(turn, plan=plan)


@pytest.mark.parametrize(
    ("path", "value", "complaint"),
    [
        ("id", MISSING, "`turn` lacks id"),
        ("reply.speaker", MISSING, "`turn.reply` lacks speaker"),
        ("text", None, "`turn.text` should be text"),
        ("index", "zorvan", "`turn.index` should be a whole number"),
        ("index", 0.5, "`turn.index` should be a whole number"),
        ("index", True, "`turn.index` should be a whole number"),
        ("affect.valence", "zorvan", "`turn.affect.valence` should be a number"),
        ("affect.valence", 7, "`turn.affect` breaks the contract of `Affect`"),
        ("reply", "zorvan", "`turn.reply` should be an object"),
        ("history", "zorvan", "`turn.history` should be an array"),
        ("history.0.role", "zorvan", "`turn.history[0].role` should be one of seeker, supporter"),
        ("history.0.role", ["zorvan"], "`turn.history[0].role` should be one of seeker, supporter"),
        ("emotion.probabilities", ["zorvan"], "`turn.emotion.probabilities` should be an object"),
        ("emotion.probabilities.anxious", "zorvan", "`turn.emotion.probabilities[...]` should be a number"),
        ("plan.chosen.stages.zorvan", 1.0, "`turn.plan.chosen.stages[...]` should be one of exploration"),
        ("risk.evidence.1", [1], "`turn.risk.evidence[1]` has 1 items instead of 2"),
        ("risk.zorvan", 1, "`turn.risk` has 1 unknown fields. It may hold: level, kinds"),
        ("zorvan", 1, "`turn` has 1 unknown fields"),
        ("cause.spans.0.text", "zorvan", "`turn.cause.spans[0]` breaks the contract of `CausalSpan`"),
        ("schema", MISSING, "needs a number under `schema`"),
        ("schema", "zorvan", "needs a number under `schema`"),
        ("schema", 2, "has schema 2; this version reads 1. Upgrade"),
    ],
)
def test_that_a_malformed_record_says_where_without_showing_what(path: str, value: Any, complaint: str):
    with pytest.raises(StoreError) as caught:
        from_record(damaged(path, value))
    assert complaint in str(caught.value)
    assert "zorvan" not in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize("record", [None, [], "zorvan", 1, {}])
def test_that_what_is_no_record_is_refused(record: Any):
    with pytest.raises(StoreError, match="no turn record"):
        from_record(record)


@pytest.mark.parametrize(
    ("fields", "complaint"),
    [
        ({"reply": Reply(7, "model")}, "`turn.reply.text` should be text"),  # type: ignore[arg-type]
        ({"reply": Reply("zorvan", b"zorvan")}, "`turn.reply.speaker` holds a `bytes`"),  # type: ignore[arg-type]
        ({"risk": RiskReading("zorvan")}, "`turn.risk.level` should be one of none"),  # type: ignore[arg-type]
        ({"plan": object()}, "`turn.plan` holds a `object`"),
        ({"notices": ("zorvan", 7)}, "`turn.notices[1]` should be text"),
        ({"notices": "zorvan"}, "`turn.notices` should be an array"),
        ({"at": 10**400}, "`turn.at` should be a number of a sane size"),
        ({"risk": RiskReading("none", evidence=((0,),))}, "`turn.risk.evidence[0]` has 1 items instead of 2"),  # type: ignore[arg-type]
        ({"cause": CauseReading(types={7: 1.0})}, "`turn.cause.types[...]` should be text"),  # type: ignore[dict-item]
    ],
    ids=[
        *("wrong type", "unknown type", "outside its choices", "a stranger's object", "a wrong type in an array"),
        *("no array", "too large a number", "too few", "a wrong key"),
    ],
)
def test_that_what_could_not_be_read_back_is_not_written(fields: dict[str, Any], complaint: str):
    with pytest.raises(StoreError) as caught:
        to_record(a_turn(**fields))
    assert complaint in str(caught.value)
    assert "zorvan" not in "".join(traceback.format_exception(caught.value))


def test_that_what_was_altered_after_it_had_been_checked_is_not_written():
    types: dict[str, float] = {}
    turn = a_turn(cause=CauseReading(types=types))
    types["zorvan"] = 7.0
    with pytest.raises(StoreError, match=r"`turn\.cause` breaks the contract"):
        to_record(turn)
