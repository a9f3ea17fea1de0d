from __future__ import annotations

import re
import tomllib
from itertools import pairwise
from pathlib import Path
from typing import Any, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import strategies.rules
from agent.decisions import Ground, Plan, Verdict
from agent.protocols import Planner
from agent.readings import Affect, CauseReading, EmotionReading, ExpressionReading, RiskReading
from agent.state import EmotionalState, Shift
from agent.turn import Message, Turn
from strategies.facts import Fact, find_facts, valence
from strategies.rules import RulePlanner, create
from strategies.taxonomy import esconv
from tests.contracts.planner_contract import PlannerContract, check_plan

IDS = [strategy.id for strategy in esconv().strategies]
ESCALATED = Verdict("escalate", "careful", ("risk reads plan",))
FLAT = "Things go on as they do."
SAD = Affect(-0.7, -0.2, -0.3)
GLAD = Affect(0.7, 0.4, 0.3)


def replied(*used: str | None, saying: str = "Mm.") -> tuple[Message, ...]:
    """A history in which the supporter used these strategies, one per turn."""
    return tuple(
        message
        for strategy in used
        for message in (Message("seeker", FLAT), Message("supporter", saying, strategy))
    )


def a_turn(text: str = FLAT, *used: str | None, **readings: Any) -> Turn:
    return Turn("turn", "conversation", len(used), text, replied(*used), **readings)


def a_state(
    valence: float, *, direction: str | None = None, since: int = 0, confidence: float = 0.8
) -> EmotionalState:
    shift = None if direction is None else Shift(3, direction, 0.5)  # type: ignore[arg-type]
    return EmotionalState(Affect(valence, 0.0, 0.0), 4, 0.0, shift, since, confidence)


async def planned(turn: Turn) -> Plan:
    return await RulePlanner().plan(turn)


def share(plan: Plan, strategy: str) -> float:
    return {ranked.strategy: ranked.probability for ranked in plan.ranked}[strategy]


class TestRulePlannerKeepsTheContract(PlannerContract):
    @pytest.fixture
    def planner(self) -> Planner:
        return create()


MANY = (
    "question",
    "reflection",
    "affirmation",
    "question",
    "affirmation",
    "restatement",
    "affirmation",
    "reflection",
)

CASES = {
    "the first message of distress": (
        a_turn("Everything has gone wrong since the letter from the bank came."),
        {"question", "reflection"},
    ),
    "the first message of distress, read as such": (
        a_turn("Everything has gone wrong since the letter came.", affect=SAD),
        {"question", "reflection"},
    ),
    "distress without a cause in the words": (
        a_turn("I could cry all day.", affect=Affect(-0.5, 0.0, 0.0), cause=CauseReading()),
        {"question", "reflection"},
    ),
    "a greeting": (a_turn("Hello there!"), {"others"}),
    "thanks": (a_turn("Thank you, that was kind.", *MANY), {"others"}),
    "goodbye": (a_turn("I have to go now. Bye!", *MANY), {"others"}),
    "advice asked for at once": (a_turn("What should I do about the noise next door?"), {"suggestions"}),
    "advice asked for later": (a_turn("Do you have any ideas?", *MANY), {"suggestions"}),
    "advice asked for again": (a_turn("What else could I try?", *MANY, "suggestions"), {"suggestions"}),
    "a question of fact": (a_turn("Is it normal that I still dream of it?", "question"), {"information"}),
    "advice turned down": (
        a_turn("I already tried that.", *MANY, "suggestions"),
        {"reflection", "restatement", "question"},
    ),
    "advice unwanted": (
        a_turn("I don't want advice, I just want to vent.", "question"),
        {"reflection", "restatement", "affirmation"},
    ),
    "a drop after a suggestion": (
        a_turn(FLAT, *MANY, "suggestions", state=a_state(-0.6, direction="worse")),
        {"reflection", "affirmation"},
    ),
    "good news in words": (a_turn("I got the job!", *MANY), {"affirmation", "question"}),
    "good news at once": (a_turn("I finally passed my exam!"), {"affirmation", "question"}),
    "good news as read": (a_turn("Guess who has a flat now.", "question", affect=GLAD), {"affirmation"}),
    "good news as an emotion": (
        a_turn(FLAT, "reflection", emotion=EmotionReading("ed", {"joyful": 0.6, "proud": 0.3, "sad": 0.1})),
        {"affirmation", "question"},
    ),
    "good news while the state is still low": (
        a_turn("They kept me on!", *MANY, affect=GLAD, state=a_state(-0.3)),
        {"affirmation", "question"},
    ),
    "late in the talk, calm": (
        a_turn(FLAT, *MANY, affect=Affect(0, 0, 0)),
        {"suggestions", "information", "question"},
    ),
    "shame": (
        a_turn(FLAT, "question", "reflection", emotion=EmotionReading("ed", {"ashamed": 0.6, "guilty": 0.4})),
        {"affirmation"},
    ),
    "a long story": (
        a_turn("First the roof and then the car, and so it went. " * 12, "question"),
        {"restatement", "reflection"},
    ),
    "text in another language": (a_turn("Ich bin seit Wochen so müde und traurig."), {"question", "reflection"}),
}


@pytest.mark.parametrize(("turn", "acceptable"), CASES.values(), ids=CASES)
async def test_that_the_choice_fits_the_moment(turn, acceptable) -> None:
    assert (await planned(turn)).chosen.id in acceptable


@pytest.mark.parametrize("text", [FLAT, "I feel low today.", "It is my brother again."])
@pytest.mark.parametrize(
    "readings", [{}, {"affect": SAD}, {"cause": CauseReading()}], ids=["bare", "sad", "no cause"]
)
async def test_that_a_third_question_in_a_row_is_not_asked(text, readings) -> None:
    plan = await planned(a_turn(text, "question", "question", **readings))
    assert "question" not in {strategy.id for strategy in (plan.chosen, *plan.then)}
    assert share(plan, "question") < 0.05


async def test_that_replies_without_a_strategy_count_as_questions_where_they_ask() -> None:
    asked = Turn("turn", "conversation", 2, FLAT, replied(None, None, saying="And then?"))
    said = Turn("turn", "conversation", 2, FLAT, replied(None, None, saying="I see."))
    assert (await planned(asked)).chosen.id != "question"
    assert share(await planned(asked), "question") < share(await planned(said), "question")


async def test_that_a_strategy_named_as_in_the_data_counts_as_used() -> None:
    by_name = await planned(a_turn(FLAT, "Reflection of feelings"))
    assert by_name == await planned(a_turn(FLAT, "reflection"))
    assert share(by_name, "reflection") < share(await planned(a_turn(FLAT, None)), "reflection")


@pytest.mark.parametrize("strategy", IDS)
async def test_that_what_was_used_last_and_often_gives_way(strategy) -> None:
    # The other turns are of unknown strategy, so that only the damping differs much.
    unused = share(await planned(a_turn(FLAT, None, None, None)), strategy)
    last = share(await planned(a_turn(FLAT, None, None, strategy)), strategy)
    longer_ago = share(await planned(a_turn(FLAT, strategy, None, None)), strategy)
    assert last < longer_ago < unused


@pytest.mark.parametrize(
    "used", [(), MANY, ("affirmation",) * 12, ("question",) * 12, ("affirmation", "question") * 8]
)
@pytest.mark.parametrize("text", ["What should I do?", "Thanks, bye!", FLAT, "Is it normal to feel this?"])
async def test_that_an_escalated_turn_stays_with_the_person(used, text) -> None:
    plan = await planned(a_turn(text, *used, affect=SAD, risk=RiskReading("plan")).note(ESCALATED))
    assert plan.chosen.id in {"affirmation", "question"}
    assert {ranked.strategy for ranked in plan.ranked[:2]} == {"affirmation", "question"}
    assert plan.reason.startswith("A check asked for care, so stay with them")


async def test_that_distress_moves_from_advice_to_feeling() -> None:
    calm, heavy = (
        await planned(a_turn(FLAT, *MANY, affect=Affect(0, 0, 0))),
        await planned(a_turn(FLAT, *MANY, affect=SAD)),
    )
    assert share(heavy, "suggestions") < share(calm, "suggestions")
    assert share(heavy, "reflection") > share(calm, "reflection")


async def test_that_being_flooded_moves_further_from_advice() -> None:
    heavy = await planned(a_turn(FLAT, *MANY, affect=Affect(-0.7, 0.0, 0.0)))
    flooded = await planned(a_turn(FLAT, *MANY, affect=Affect(-0.7, 0.8, -0.8)))
    assert share(flooded, "suggestions") < share(heavy, "suggestions")


async def test_that_the_tracked_state_counts_before_the_single_message() -> None:
    calm = Affect(0, 0, 0)
    tracked = await planned(a_turn(FLAT, *MANY, affect=calm, state=a_state(-0.7)))
    assert share(tracked, "reflection") > share(await planned(a_turn(FLAT, *MANY, affect=calm)), "reflection")
    assert tracked == await planned(a_turn(FLAT, *MANY, state=a_state(-0.7)))


async def test_that_a_state_without_evidence_says_nothing() -> None:
    unread = await planned(a_turn(FLAT, state=a_state(0.0, confidence=0.0)))
    assert unread == await planned(a_turn(FLAT))


async def test_that_words_without_feeling_are_asked_about_rather_than_reflected() -> None:
    neutral = ExpressionReading("goemotions-28", {"neutral": 0.95, "sadness": 0.02}, ("neutral",))
    assert share(await planned(a_turn(FLAT, expression=neutral)), "reflection") < share(
        await planned(a_turn()), "reflection"
    )


@pytest.mark.parametrize(
    ("strategy", "without", "with_fact"),
    [
        ("affirmation", {"state": a_state(0.0)}, {"state": a_state(0.0, direction="better")}),
        (
            "affirmation",
            {"emotion": EmotionReading("ed", {"sad": 1.0})},
            {"emotion": EmotionReading("ed", {"guilty": 1.0})},
        ),
        ("question", {"affect": SAD}, {"affect": SAD, "cause": CauseReading()}),
    ],
    ids=["a lifted mood is affirmed", "shame is met with affirmation", "an untold cause is asked for"],
)
async def test_that_a_fact_raises_the_strategy_that_answers_it(strategy, without, with_fact) -> None:
    before, after = await planned(a_turn(FLAT, *MANY, **without)), await planned(a_turn(FLAT, *MANY, **with_fact))
    assert share(after, strategy) > share(before, strategy)


async def test_that_unasked_facts_are_held_back_more_than_unasked_steps() -> None:
    plan = await planned(a_turn(FLAT, *MANY))  # neither was used, so that only the fact tells them apart
    fit = esconv()["information"].stages["action"] / esconv()["suggestions"].stages["action"]
    assert plan.stage == "action"
    assert share(plan, "information") / share(plan, "suggestions") < 0.8 * fit


async def test_that_early_unasked_advice_is_not_even_in_the_running() -> None:
    first = await planned(a_turn())
    assert share(first, "suggestions") < 0.02
    assert share(first, "information") < share(first, "affirmation")


async def test_that_a_drop_echoes_for_one_turn_and_then_fades() -> None:
    shares = [
        share(
            await planned(a_turn(FLAT, *MANY, state=a_state(-0.4, direction="worse", since=since))), "suggestions"
        )
        for since in (0, 1, 2)
    ]
    assert shares == sorted(shares)
    assert shares[0] < shares[1] < shares[2]


UNTIMED = settings(deadline=None)  # the first example loads the tables

READINGS = st.fixed_dictionaries(
    {},
    optional={
        "affect": st.builds(Affect, *[st.floats(-1, 1)] * 3),
        "emotion": st.sampled_from(["sad", "joyful", "ashamed", "surprised"]).map(
            lambda label: EmotionReading("ed", {label: 1.0})
        ),
        "expression": st.floats(0, 1).map(
            lambda p: ExpressionReading("go", {"neutral": p, "fear": 0.5}, ("fear",))
        ),
        "cause": st.just(CauseReading()),
        "risk": st.sampled_from(["none", "distress", "acute"]).map(RiskReading),
        "state": st.builds(
            a_state,
            st.floats(-1, 1),
            direction=st.sampled_from([None, "better", "worse"]),
            since=st.integers(0, 3),
        ),
    },
)
TEXTS = st.one_of(
    st.text(min_size=1, max_size=80),
    st.sampled_from(
        ["Hi!", "Thanks, bye", "What should I do?", "I already tried that", "Is it normal?", "I got the job"]
    ),
)


@UNTIMED
@given(
    text=st.sampled_from(
        [FLAT, "The roof, the car, the dog, and then the job. " * 30, "Yes.", "It is all too much."]
    ),
    used=st.lists(st.sampled_from([*IDS, None]), max_size=2),
    readings=READINGS,
)
async def test_that_advice_before_the_third_reply_is_never_given_unasked(text, used, readings) -> None:
    plan = await planned(a_turn(text, *used, **readings))
    assert not {strategy.id for strategy in (plan.chosen, *plan.then)} & {"suggestions", "information"}


@UNTIMED
@given(
    text=TEXTS,
    used=st.lists(st.sampled_from([*IDS, None]), max_size=30),
    readings=READINGS,
    escalated=st.booleans(),
)
async def test_that_every_plan_is_a_distribution_over_all_eight(text, used, readings, escalated) -> None:
    turn = a_turn(text, *used, **readings)
    turn = turn.note(ESCALATED) if escalated else turn
    plan = await planned(turn)
    check_plan(plan, planner=RulePlanner(), turn=turn)
    assert all(ranked.probability > 0 for ranked in plan.ranked)
    assert plan.chosen.id == plan.ranked[0].strategy
    assert plan.reason.endswith(".")
    assert not (escalated and plan.chosen.id not in {"affirmation", "question"})


@UNTIMED
@given(words=st.lists(st.from_regex(r"[a-z]{4,12}", fullmatch=True), min_size=1, max_size=20), readings=READINGS)
async def test_that_the_reason_never_takes_up_a_word_of_the_person(words, readings) -> None:
    fixed = set(
        re.findall(r"\w{4,}", Path(strategies.rules.__file__).with_name("rules.toml").read_text("utf-8").lower())
    )
    plan = await planned(a_turn(" ".join(words), *words[:3], **readings))
    taken = set(re.findall(r"\w{4,}", plan.reason.lower())) & set(words)
    assert taken <= fixed, "only words that every reason may use"


async def test_that_a_reason_names_the_stage_and_the_deciding_fact() -> None:
    plan = await planned(a_turn("What should I do about the noise next door?"))
    assert (
        plan.reason
        == "The talk can turn to what helps; the person asks for advice, so offer one or two small steps."
    )
    assert plan.grounds == (Ground("action"), Ground("asks_advice"))
    assert (await planned(a_turn())).reason.startswith("It is early and much is still unknown")


SEEKER = [
    "Hi, I need someone to talk to.",
    "My best friend moved away in spring and it has been quiet since.",
    "We used to cook together every Thursday.",
    "I write to her, but the answers get shorter.",
    "Maybe I ask too much of her.",
    "At work people are nice, but nobody stays for a coffee.",
    "Last weekend I did not speak to anybody.",
    "My mother says I should be glad to have a quiet life.",
    "I was in a choir once, a long time ago.",
    "It is a bit embarrassing to show up alone.",
    "There is one on Mondays, close to the station.",
    "I could look at their page.",
]


@pytest.mark.parametrize("readings", [{}, {"affect": Affect(-0.4, 0.0, -0.1)}], ids=["bare", "read"])
async def test_that_a_long_conversation_is_varied_and_does_not_rush_to_advice(readings) -> None:
    history: tuple[Message, ...] = ()
    used = []
    for index, text in enumerate(SEEKER):
        plan = await planned(Turn("turn", "conversation", index, text, history, **readings))
        used.append(plan.chosen.id)
        history += (Message("seeker", text), Message("supporter", "Mm.", plan.chosen.id))
    assert len(set(used)) >= 4
    assert "suggestions" not in used[:3]
    assert "suggestions" in used
    assert not any(first == second for first, second in pairwise(used))


def test_that_the_tables_of_facts_and_weights_name_the_same_facts() -> None:
    table = tomllib.loads(Path(strategies.rules.__file__).with_name("rules.toml").read_text("utf-8"))
    assert sorted(effect["fact"] for effect in table["effects"]) == sorted(get_args(Fact))
    for effect in table["effects"]:
        assert effect["why"].endswith(".")
        assert effect["says"]
        assert set(effect["factors"]) <= set(IDS)
        assert all(factor > 0 for factor in effect["factors"].values())
    assert set(table["aims"]) == set(IDS)


def test_that_what_was_not_read_is_no_fact() -> None:
    assert set(find_facts(a_turn(), strategies=())) == {"early_unasked"}
    assert valence(a_turn()) is None


@pytest.mark.parametrize(
    ("readings", "expected"),
    [
        ({"affect": Affect(-0.3, 0, 0), "emotion": EmotionReading("ed", {"joyful": 1.0})}, -0.3),
        ({"emotion": EmotionReading("ed", {"joyful": 0.7, "sad": 0.2, "surprised": 0.1})}, 0.5),
        ({"emotion": EmotionReading("unknown", {"saudade": 1.0})}, 0.0),
        ({"expression": ExpressionReading("go", {"joy": 0.9, "fear": 0.6}, ("joy", "fear"))}, 0.0),
        ({"expression": ExpressionReading("go", {"grief": 0.9}, ("grief",))}, -1.0),
        ({"expression": ExpressionReading("go", {"grief": 0.1}, ())}, None),
    ],
)
def test_that_valence_comes_from_the_best_reading_there_is(readings, expected) -> None:
    assert valence(a_turn(**readings)) == (None if expected is None else pytest.approx(expected))


def test_that_a_phrase_of_good_news_does_not_outweigh_a_sad_reading() -> None:
    facts = find_facts(a_turn("I got the job, and I feel nothing but dread.", affect=SAD), strategies=())
    assert "good_news" not in facts
    assert facts["distress"] == 1
