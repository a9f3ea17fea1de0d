"""The record of risk rises at once, falls slowly, and forgets nothing that matters."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.errors import ReadingError
from agent.readings import DANGER, RiskReading
from agent.safety.answered import QUESTIONS
from agent.safety.course import COOLS_AFTER, SUSPICION_COOLS_AFTER, RiskChange, RiskCourse, advance
from agent.safety.steps import STEPS, reaches

LEVELS = ("none", "distress", "ideation", "plan", "acute")
CALM = RiskReading("none")
TEXTS = (
    "The bus was late again.",
    "no",
    "yes",
    "lol just kidding",
    "forget what I said, I'm fine now",
    "That's not what I meant, it was only a figure of speech.",
    "I want to kill myself",
    "anyway, how are you?",
    "",
    "\N{ZERO WIDTH SPACE}?!",
)
DENIALS = ("I was just kidding", "never mind", "I'm totally fine now", "No.", "I didn't mean it", "haha jk")


@st.composite
def readings(draw: Any) -> RiskReading | None:
    if draw(st.booleans()) and draw(st.booleans()):
        return None
    level = draw(st.sampled_from(LEVELS))
    others = draw(st.sampled_from(LEVELS[: LEVELS.index(level) + 1]))
    kinds = ("self-harm",) if draw(st.booleans()) else ()
    likely = draw(st.sampled_from([{}, {"self:ideation": 0.1}, {"self:ideation": 0.6}]))
    return RiskReading(level, kinds, ((0, 2),), "test", likely, others, sure=draw(st.booleans()))


MESSAGES = st.tuples(
    readings(), st.sampled_from(TEXTS) | st.text(max_size=25), st.none() | st.sampled_from(QUESTIONS)
)


def courses_of(messages: Any) -> list[RiskCourse]:
    """The record before the first message and after each; each message may answer a question."""
    found = [RiskCourse()]
    for index, (reading, text, asked) in enumerate(messages):
        found.append(advance(replace(found[-1], asked=asked), reading, text, turn=index))
    return found


def after(course: RiskCourse | None, *messages: tuple[RiskReading | None, str]) -> RiskCourse:
    course = course or RiskCourse()
    for reading, text in messages:
        course = advance(course, reading, text, turn=0)
    return course


def own(course: RiskCourse) -> tuple[Any, ...]:
    changes = tuple(change for change in course.changes if change.ladder == "self")
    return course.level, course.peak, course.quiet, course.stood, changes


def of_others(course: RiskCourse) -> tuple[Any, ...]:
    changes = tuple(change for change in course.changes if change.ladder == "others")
    return course.others, course.others_peak, course.others_quiet, course.others_stood, changes


@settings(max_examples=80)
@given(st.lists(MESSAGES, max_size=25))
def test_that_no_ladder_falls_by_more_than_a_step_nor_below_watch_after_danger(messages: Any):
    for before, now in pairwise(courses_of(messages)):
        for was, level, peak, suspected in (
            (before.level, now.level, now.peak, now.suspected),
            (before.others, now.others, now.others_peak, now.others_suspected),
        ):
            sooner = suspected and level in ("watch", "distress")
            assert STEPS.index(level) >= STEPS.index(was) - 1 or sooner
            assert reaches(peak, level)
            assert not reaches(peak, "ideation") or reaches(level, "watch")
        assert reaches(now.peak, before.peak)
        assert reaches(now.others_peak, before.others_peak)


@settings(max_examples=80)
@given(st.lists(MESSAGES, max_size=25))
def test_that_every_change_is_written_down_once_with_what_was_before(messages: Any):
    found = courses_of(messages)
    for index, (before, now) in enumerate(pairwise(found)):
        fresh = [change for change in now.changes if change.turn == index]
        moved = [("self", before.level, now.level), ("others", before.others, now.others)]
        assert [(change.ladder, change.before, change.after) for change in fresh] == [
            (ladder, was, level) for ladder, was, level in moved if was != level
        ]
        for change in fresh:
            fell = STEPS.index(change.after) < STEPS.index(change.before)
            assert (change.why in ("cooled", "denied")) == fell
            assert change.evidence == () or (
                change.why in ("said", "suspected") and change.after in ("distress", *DANGER)
            )
        assert len(now.changes) <= 32
        assert now.changes[-1:] == () or now.changes[-1].turn <= index


@settings(max_examples=80)
@given(st.lists(MESSAGES, max_size=20), st.lists(st.sampled_from(TEXTS[:6] + DENIALS), max_size=30))
def test_that_quiet_and_denial_never_raise_the_record(messages: Any, texts: list[str]):
    course = courses_of(messages)[-1]
    for text in texts:
        before, course = course, advance(replace(course, asked=None), CALM, text, turn=99)
        assert reaches(before.level, course.level)
        assert reaches(before.others, course.others)
        assert not course.fresh


@settings(max_examples=60)
@given(st.lists(MESSAGES, max_size=20), MESSAGES, st.lists(MESSAGES, max_size=10))
def test_that_the_ladders_do_not_move_each_other(messages: Any, last: Any, other: Any):
    one, two = courses_of(messages)[-1], courses_of(other)[-1]
    reading, text, asked = last
    keep = tuple(change for change in one.changes if change.ladder == "self")
    there = tuple(change for change in two.changes if change.ladder == "others")
    mixed = replace(
        one,
        others=two.others,
        others_peak=two.others_peak,
        others_quiet=two.others_quiet,
        others_stood=two.others_stood,
        others_suspected=two.others_suspected,
        changes=(*keep, *there)[-31:],
    )
    alone = advance(replace(one, asked=asked), reading, text, turn=50)
    beside = advance(replace(mixed, asked=asked), reading, text, turn=50)
    elsewhere = advance(replace(two, asked=asked), reading, text, turn=50)

    assert own(alone)[:4] == own(beside)[:4]
    assert of_others(beside)[:4] == of_others(elsewhere)[:4]


SUSPECTED = RiskReading("ideation", ("self-harm",), sure=False)
CALM_AGAIN = [(CALM, "The bus was late again.")] * SUSPICION_COOLS_AFTER


def test_that_a_single_suspicion_falls_to_watch_sooner_and_no_further():
    course = after(None, (SUSPECTED, "I gave the cat away."))
    assert (course.level, course.changes[-1].why) == ("ideation", "suspected")
    course = after(course, *CALM_AGAIN[:-1])
    assert course.level == "ideation"
    course = after(course, CALM_AGAIN[0])
    assert (course.level, course.changes[-1].why) == ("watch", "cooled")
    assert after(course, *[CALM_AGAIN[0]] * 50).level == "watch"


def test_that_a_single_suspicion_of_danger_to_others_falls_sooner_too():
    suspected = RiskReading("ideation", ("harm-to-others",), others="ideation", sure=False)
    said = replace(suspected, sure=True)
    words = "I have something in my bag for Monday."
    assert after(None, (suspected, words)).others == "ideation"
    assert after(None, (suspected, words), *CALM_AGAIN).others == "watch"
    assert after(None, (said, words), *CALM_AGAIN).others == "ideation"
    assert after(None, (suspected, words), (suspected, words), *CALM_AGAIN).others == "ideation"


def test_that_distress_bears_no_suspicion_out_and_is_what_remains():
    suspected, low = RiskReading("ideation", sure=False), RiskReading("distress")
    begun = after(None, (suspected, "The keys are on the hook."))
    assert after(begun, (low, "I am so tired."), (low, "It was a bad week.")).level == "ideation"
    fallen = after(begun, (low, "I am so tired."), (low, "It was a bad week."), (low, "And cold."))
    assert (fallen.level, fallen.changes[-1].why) == ("distress", "cooled")
    said = after(None, (RiskReading("ideation"), "I want to be dead."), *((low, "It was a bad week."),) * 9)
    assert said.level == "ideation"


def test_that_what_could_not_be_read_lets_no_suspicion_fall():
    begun = after(None, (RiskReading("ideation", sure=False), "The keys are on the hook."))
    assert after(begun, *((None, "The bus was late."),) * 6).level == "ideation"
    suspected = RiskReading("ideation", ("harm-to-others",), others="ideation", sure=False)
    begun = after(None, (suspected, "I will make them pay."))
    assert after(begun, *((None, "The bus was late."),) * 6).others == "ideation"


@pytest.mark.parametrize(
    "text", ["My brother sat down next to me.", "She is calling them.", "Four bookings today."]
)
def test_that_danger_to_others_is_suspected_only_with_a_threat_of_their_own(text: str):
    suspected = RiskReading("ideation", ("harm-to-others",), others="ideation", sure=False)
    assert after(None, (suspected, text)).others == "watch"
    assert after(None, (suspected, f"{text} I will make them pay.")).others == "ideation"


def test_that_a_voice_that_asks_for_harm_is_no_talk_of_somebody_else():
    suspected = RiskReading("ideation", ("harm-to-others",), others="ideation", sure=False)
    text = "The angel says he was swapped, and that he goes back through the water."
    assert after(None, (suspected, text)).others == "ideation"


@pytest.mark.parametrize("text", ["My husband hits me when he drinks.", "There are microphones in the walls."])
def test_that_whoever_tells_of_violence_or_torment_is_in_distress(text: str):
    assert after(None, (CALM, text)).level == "distress"


def asked_of_thoughts(*messages: tuple[RiskReading | None, str]) -> RiskCourse:
    return replace(after(None, *messages), asked="thoughts")


GAVE = (SUSPECTED, "I gave the cat away.")


def test_that_a_single_suspicion_that_is_plainly_denied_falls_to_distress_at_once():
    course = advance(asked_of_thoughts(GAVE), CALM, "No, nothing like that. I love my life.", turn=0)
    assert (course.level, course.peak, course.changes[-1].why) == ("distress", "ideation", "denied")
    assert after(course, GAVE, *CALM_AGAIN).level == "ideation"


@pytest.mark.parametrize(
    "text",
    [
        "no, but sometimes yes",
        "I'm not going to do anything silly",
        "no, I won't do it",
        "not sure",
        "Why do you ask?",
        "I'm fine, forget it",
        "haha",
    ],
)
def test_that_no_other_answer_lowers_it(text: str):
    assert advance(asked_of_thoughts(GAVE), CALM, text, turn=0).level == "ideation"


@pytest.mark.parametrize("second", [SUSPECTED, RiskReading("ideation", ("self-harm",))])
def test_that_a_no_lowers_nothing_that_was_said_or_borne_out(second: RiskReading):
    said = asked_of_thoughts((RiskReading("ideation", ("self-harm",)), "I want to die."))
    borne_out = asked_of_thoughts(GAVE, (second, "And my books."))
    for course in (said, borne_out):
        assert advance(course, CALM, "No, nothing like that.", turn=0).level == "ideation"


@pytest.mark.parametrize("second", [SUSPECTED, RiskReading("ideation", ("self-harm",))])
def test_that_a_second_sign_bears_a_suspicion_out(second: RiskReading):
    course = after(None, (SUSPECTED, "I gave the cat away."), (second, "And my books."), *CALM_AGAIN)
    assert course.level == "ideation"


def test_that_a_yes_bears_a_suspicion_out():
    course = after(None, (SUSPECTED, "I gave the cat away."))
    course = after(replace(course, asked="thoughts"), (CALM, "yes"), *CALM_AGAIN)
    assert course.level == "ideation"


def test_that_a_suspicion_after_danger_that_was_said_is_no_reason_for_less():
    said = RiskReading("plan", ("self-harm",))
    assert after(None, (said, "I have a plan."), (SUSPECTED, "I gave the cat away."), *CALM_AGAIN).level == "plan"


@pytest.mark.parametrize("step", ["watch", "distress", "ideation", "plan", "acute"])
@pytest.mark.parametrize("ladder", ["self", "others"])
def test_that_a_step_cools_after_exactly_its_quiet_messages(step: Any, ladder: str):
    start = RiskCourse(level=step, peak=step) if ladder == "self" else RiskCourse(others=step, others_peak=step)
    levels = []
    course = start
    for index in range(24):
        course = advance(course, CALM, "The bus was late.", turn=index)
        levels.append(course.level if ladder == "self" else course.others)

    floor = "watch" if step in DANGER else "none"
    expected, level = [], step
    while level != floor:
        expected += [level] * COOLS_AFTER[level]
        level = STEPS[STEPS.index(level) - 1]
    assert [step, *levels] == (expected + [floor] * 25)[:25]


@pytest.mark.parametrize(
    "sign", [RiskReading("distress"), RiskReading("none", probabilities={"self:ideation": 0.5}), None]
)
def test_that_a_weak_sign_or_an_unread_message_starts_the_count_anew(sign: RiskReading | None):
    quiet = [(CALM, "The bus was late.")]
    course = after(None, (RiskReading("ideation"), "x"), *quiet * 3, (sign, "hm"), *quiet * 3)

    assert course.level == "ideation"
    assert course.quiet == 3
    assert after(course, *quiet).level == "distress"


def test_that_risk_which_was_not_read_keeps_watch_and_is_not_calm():
    course = after(None, *[(None, "The bus was late.")] * 20)

    assert (course.level, course.unread, course.quiet, course.fresh) == ("watch", True, 0, False)
    assert course.changes == (RiskChange(0, "self", "none", "watch", "unread"),)
    assert after(course, (CALM, "ok")).unread is False


@pytest.mark.parametrize(
    "text",
    [
        "I'm going to kill myself",
        "I keep thinking of suicide",
        "i wanna die",
        "Everyone is better off without me.",
        "I don\N{RIGHT SINGLE QUOTATION MARK}t want to live",
        "I could end it all",
        "I've been cutting myself",
    ],
)
def test_that_plain_words_of_suicide_are_seen_though_risk_could_not_be_read(text: str):
    course = after(None, (None, text))

    assert (course.level, course.fresh, course.unread) == ("ideation", True, True)
    assert course.changes[-1].why == "said"


@pytest.mark.parametrize("text", ["this queue is killing me", "my phone died", "I could murder a sandwich"])
def test_that_figures_of_speech_are_no_plain_words(text: str):
    assert after(None, (None, text)).level == "watch"


def test_that_what_is_said_carries_its_words():
    reading = RiskReading("plan", ("self-harm",), ((2, 9), (11, 14)))
    course = advance(None, reading, "I have set a day.", turn=7)

    assert course.changes == (RiskChange(7, "self", "none", "plan", "said", ((2, 9), (11, 14))),)


def test_that_a_yes_to_a_safety_question_raises_the_record():
    course = advance(RiskCourse("ideation", peak="ideation", asked="plan"), CALM, "yeah, kind of", turn=3)

    assert course.changes == (RiskChange(3, "self", "ideation", "plan", "answered"),)
    assert course.fresh
    assert course.asked is None


def test_that_a_yes_to_the_question_about_others_raises_their_ladder_and_not_the_persons_own():
    course = advance(RiskCourse(others="ideation", others_peak="ideation", asked="others"), CALM, "yes", turn=3)

    assert course.changes == (RiskChange(3, "others", "ideation", "plan", "answered"),)
    assert (course.level, course.fresh) == ("none", True)


@pytest.mark.parametrize("text", [*DENIALS, "no", "I'd never do that", "anyway, how are you?"])
@pytest.mark.parametrize("step", ["ideation", "plan", "acute"])
def test_that_a_no_to_the_question_about_others_clears_nothing(step: Any, text: str):
    course = advance(RiskCourse(others=step, others_peak=step, asked="others"), CALM, text, turn=3)

    assert (course.others, course.fresh, course.changes) == (step, False, ())


def test_that_help_which_is_there_cools_nothing_faster():
    there, alone = (
        after(RiskCourse("acute", peak="acute", asked="company"), (CALM, text), *[(CALM, "The bus was late.")] * 9)
        for text in ("yes, my sister is here", "The bus was late.")
    )

    assert there == alone


def test_that_a_no_to_a_safety_question_leaves_the_record_where_it_was():
    for question in ("thoughts", "plan", "means", "safe", "company", "others"):
        course = RiskCourse("plan", peak="plan", asked=question)
        assert reaches(advance(course, CALM, "No, I promise.", turn=1).level, "plan")


def test_that_a_denial_is_counted_only_after_danger_and_changes_no_level():
    assert after(None, (CALM, "just kidding")).denials == 0
    course = after(None, (RiskReading("acute"), "x"), *[(CALM, text) for text in DENIALS[:3]])

    assert (course.level, course.denials, course.was_in_danger) == ("acute", 3, True)


def test_that_a_misread_remark_changes_the_tone_and_not_the_record():
    start = after(None, (RiskReading("plan"), "x"))
    plain, remark = (
        advance(start, CALM, text, turn=1) for text in ("The bus was late.", "You misunderstood, it was a joke")
    )

    assert remark.softer
    assert not plain.softer
    assert replace(remark, softer=False, denials=0) == plain
    assert after(remark, (CALM, "The bus was late.")).softer


def test_that_what_was_done_is_forgotten_only_when_the_record_rises():
    done = RiskCourse("ideation", peak="ideation", done=("lines", "ask.plan"))

    assert advance(done, RiskReading("ideation"), "x", turn=1).done == ("lines", "ask.plan")
    assert advance(done, CALM, "x", turn=1).done == ("lines", "ask.plan")
    assert advance(done, RiskReading("plan"), "x", turn=1).done == ()


def test_that_the_record_does_not_grow_with_the_conversation():
    cycle = [
        RiskReading("acute", ("self-harm",), ((0, 5),)),
        *[CALM] * 20,
        None,
        RiskReading("plan", others="plan"),
    ]
    course, sizes = RiskCourse(), []
    for index in range(10_000):
        course = advance(course, cycle[index % len(cycle)], "never mind", turn=10_000 + index)
        sizes.append(len(repr(course)))

    assert len(course.changes) == 32
    assert max(sizes[1000:]) - max(sizes[:1000]) <= 10  # digits of the counters


def test_that_a_record_above_its_own_peak_is_refused():
    with pytest.raises(ReadingError, match="peak"):
        RiskCourse("plan", peak="watch")
