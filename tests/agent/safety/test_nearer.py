"""What means little by itself is a plan, a step or an order once something is known."""

from __future__ import annotations

import re

import pytest

from agent.readings import RiskReading
from agent.safety.course import RiskCourse, advance
from agent.safety.nearer import nearer, nearer_to_others, orders_harm
from agent.safety.toml_fields import shipped_toml

CALM = RiskReading("none")
IDEATION = RiskReading("ideation", ("self-harm",))
OTHERS = RiskReading("ideation", ("harm-to-others",), others="ideation")

PLANS = (
    "Not today. But I know how I'd do it.",
    "I know exactly where I would do it",
    "I\N{RIGHT SINGLE QUOTATION MARK}ve picked a day.",
    "Have I chosen a place? Kind of.",
    "I've thought it all through, properly.",
    "There's enough insulin in the fridge, I have enough insulin for two.",
    "I've put some aside for it.",
    "I'll do it tonight.",
    "Last night I googled how to do it.",
    "I drove out there to look at the place.",
    "I wrote down what I'd do",
    "The letters are written.",
    "my grandmother's pills are right there",
    "I got them out of the cupboard.",
)
STEPS_NOW = (
    "I'm going to do it tonight",
    "when she is asleep I will do it",
    "I'm going to take them now, thank you for listening",
    "I'm going to finish my beer and walk up there",
    "I'm sitting on the railing",
    "i just took all of them",
    "My legs are over the edge? My feet are over the edge.",
)
NOTHING_NEARER = (
    "No plan, I haven't picked a day.",
    "I don't know how I'd do it.",
    "Have I picked a day? No.",
    "If I knew how I'd do it I would not be writing.",
    "I threw away what I had put aside for it.",
    "I know how it feels to be left.",
    "I know where this is going, you will send me to a doctor.",
    "You know how, people talk.",
    "I worked out. It helped a bit.",
    "My notes are in my bag.",
    "I went to the shop to look at shoes.",
    "I'm going out now, with my sister.",
    "It's tomorrow, my appointment.",
    "Can you tell me how to do it, calling there?",
    "I took them to school.",
    "The window is open, it's cold.",
    "I have everything I need for the trip.",
    "My sister is coming tonight.",
    "The film is on the table, the letter is for my landlord.",
    "I'm on the bus.",
    "They took the train at noon.",
)


@pytest.mark.parametrize("text", PLANS)
def test_that_a_way_a_day_or_what_is_at_hand_is_a_plan_once_danger_is_known(text: str):
    assert nearer(text) == "plan"
    assert advance(advance(None, IDEATION, "…", turn=0), CALM, text, turn=1).level == "plan"


@pytest.mark.parametrize("text", STEPS_NOW)
def test_that_the_step_itself_is_acute_once_danger_is_known(text: str):
    assert nearer(text) == "acute"
    assert advance(advance(None, IDEATION, "…", turn=0), CALM, text, turn=1).level == "acute"


@pytest.mark.parametrize("text", NOTHING_NEARER)
def test_that_what_is_denied_or_about_something_else_brings_nothing_nearer(text: str):
    assert nearer(text) is None


@pytest.mark.parametrize("text", [*PLANS, *STEPS_NOW])
def test_that_the_same_words_mean_nothing_where_no_danger_is_known(text: str):
    assert advance(None, CALM, text, turn=0).level == "none"


def test_that_a_suspicion_is_not_known_danger():
    suspected = advance(None, RiskReading("ideation", sure=False), "…", turn=0)
    assert advance(suspected, CALM, PLANS[0], turn=1).level == "ideation"


def test_that_a_message_which_states_danger_and_a_way_is_a_plan_at_once():
    assert advance(None, IDEATION, "I want to be dead, and I know how I'd do it.", turn=0).level == "plan"


@pytest.mark.parametrize(
    "text",
    [
        "I found out where he lives",
        "I was parked outside his house for an hour",
        "I know what I'd bring.",
        "I stood next to her bed with the pillow",
        "going there again tonight",
    ],
)
def test_that_danger_to_others_comes_nearer_on_its_own_ladder(text: str):
    assert nearer_to_others(text) == "plan"
    known = advance(None, OTHERS, "…", turn=0)
    assert advance(known, CALM, text, turn=1).others == "plan"
    assert advance(None, CALM, text, turn=0).others == "none"


@pytest.mark.parametrize("text", ["and then me", "The children first, and after that me.", "me right after"])
def test_that_whoever_means_to_go_after_them_has_a_plan_for_themselves(text: str):
    known = advance(None, OTHERS, "…", turn=0)
    assert advance(known, CALM, text, turn=1).level == "plan"
    assert nearer(text) is None  # "and then me" is a queue, where nobody is threatened


ORDERED = (
    "She says I have to cut it out of my arm.",
    "today he said step off, just step off",
    "It tells me to walk into the road",
    "the voice says now",
    "they keep telling me to hurt myself",
)


@pytest.mark.parametrize("text", ORDERED)
def test_that_an_order_of_a_voice_is_danger_of_their_own(text: str):
    assert orders_harm(text)
    heard = advance(None, CALM, "It's not my own voice, it started in May.", turn=0)
    assert heard.around is not None
    assert heard.around.kind == "voices"
    assert advance(heard, CALM, text, turn=1).level == "ideation"


@pytest.mark.parametrize("text", ORDERED)
def test_that_without_a_voice_nobody_orders_anything(text: str):
    assert advance(None, CALM, text, turn=0).level in {"none", "distress"}


@pytest.mark.parametrize(
    "text", ["He tells me to hurt him back.", "She said to cut down on sugar.", "They told me to sit down."]
)
def test_that_other_orders_are_no_harm_to_the_person(text: str):
    assert not orders_harm(text)


def test_that_the_patterns_repeat_nothing_without_end():
    raw = shipped_toml("nearer.toml")
    patterns = [*raw["words"].values(), *(one for name in raw if name != "words" for one in raw[name]["patterns"])]
    assert not [one for one in patterns if re.search(r"\)[*+]|\.[*+]|\{\d+,\}", one)]


def test_that_the_record_keeps_why_it_rose():
    course = advance(RiskCourse(level="ideation", peak="ideation"), CALM, PLANS[0], turn=4)
    assert [(change.after, change.why) for change in course.changes] == [("plan", "said")]
