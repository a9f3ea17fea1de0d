"""What people often come with is recognised, talked about in words of its own, and left alone where it isn't it."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.readings import Affect, EmotionReading
from agent.safety.course import RiskCourse
from agent.testing import a_turn
from agent.turn import Message
from prompts.offline.phrases import load_phrases
from prompts.offline.responder import create
from prompts.offline.topics import ASPECTS, load_topics, subject_of, topics_in

TOPICS = {topic.name: topic for topic in load_topics()}
RESPONDER = create()
EXAMPLES = {
    "pet_loss": ["Our old cat died on Sunday.", "We had to put my dog down.", "I lost my rabbit."],
    "bereavement": ["My grandmother passed away in May.", "Her first birthday without my mum.", "He died so young.", "My old friend who died."],
    "carer": ["My dad has dementia.", "I'm looking after my mother since the fall."],
    "illness_near": ["My sister has cancer.", "My best mate was diagnosed with something bad.", "She's in the ICU."],
    "infidelity": ["I think he's cheating.", "She cheated on me with a colleague."],
    "leaving": ["I want to leave my husband.", "I don't love her anymore."],
    "breakup": ["We broke up last week.", "My girlfriend dumped me by text.", "We're getting divorced."],
    "couple": ["My husband never listens.", "I had an argument with my partner."],
    "friend": ["My best friend stopped talking to me.", "I wasn't invited."],
    "wronged": ["He didn't even apologise.", "A colleague took the credit.", "She read my diary without asking."],
    "housing": ["The landlord is selling the place.", "We have two months to get out."],
    "far_from_home": ["I moved here in spring and don't know anyone.", "I'm so homesick."],
    "parting": ["I'd have to move to Leeds.", "My sister is moving away."],
    "at_home": ["I'm still living with my mum.", "My parents keep asking when I'll marry."],
    "job_loss": ["I got laid off yesterday.", "I lost my job."],
    "job_search": ["I've sent out forty applications.", "No replies to my applications."],
    "work_load": ["My boss shouts all day.", "I worked all weekend and nobody noticed."],
    "bullied": ["They make fun of me at school.", "I'm being bullied."],
    "exam_failed": ["I failed two modules.", "Such bad grades again."],
    "exam_ahead": ["My presentation is tomorrow.", "I'm nervous about the exam."],
    "money": ["I can't afford the heating.", "I'm in debt."],
    "own_illness": ["I got diagnosed with diabetes.", "My surgery is on Monday."],
    "estranged": ["My dad said he won't come.", "We haven't spoken since the wedding."],
    "told_me": ["My son came out to me.", "She told me she's trans."],
    "overwhelmed": ["I've been so stressed.", "There's too much going on."],
    "sleep": ["I can't sleep.", "It's 3 am and I'm awake."],
    "rumination": ["My brain won't stop.", "I keep overthinking everything."],
    "panic": ["I had a panic attack on the bus."],
    "new_baby": ["Our baby is three weeks old.", "I'm a new mum."],
    "parenting": ["I yelled at my 4 year old.", "My son refuses to go to school."],
    "longed_for_child": ["I had a miscarriage.", "We've been trying for a baby for years."],
    "sober": ["I've been sober for 90 days.", "Six weeks without a drink."],
    "drinking": ["I relapsed.", "I drink too much."],
    "body": ["I hate how I look.", "I feel so fat."],
    "coming_out": ["I think I'm gay.", "I want to come out to my parents."],
    "dating": ["He ghosted me.", "I have a crush on somebody."],
    "mistake": ["I messed it up.", "I embarrassed myself at the party."],
    "numb": ["I'm just numb.", "Nothing feels good.", "I feel really down."],
    "bored": ["just bored i guess", "There's nothing to do here."],
    "envy": ["I'm jealous of my friends.", "I keep comparing myself."],
    "scare": ["Somebody broke into our flat.", "I heard noises outside my window."],
    "growing_old": ["I retired in spring, and my knees hurt.", "I'm turning sixty."],
    "lonely": ["I have no friends.", "They forgot my birthday."],
    "waiting": ["I'm waiting for my results."],
    "noise": ["The neighbours play loud music.", "Someone cut me off on the motorway."],
    "kindness": ["My sister surprised me with a cake.", "A stranger paid for my ticket."],
    "proud_of": ["I'm so proud of my son.", "My daughter just learned to swim."],
    "achieved": ["I finished the marathon!", "We won the match!"],
    "remembering": ["It reminds me of my school.", "We looked at old photos."],
    "new_job": ["I got the job!", "I got promoted."],
    "passed": ["I passed my driving test.", "I got into uni!"],
    "love_news": ["We're engaged!", "He proposed to me."],
    "baby_news": ["I'm pregnant!", "I'm going to be an uncle."],
    "coming_home": ["Dad is finally coming home.", "The scan came back clear."],
    "new_home": ["We got our first apartment!", "I bought a house."],
    "new_pet": ["We adopted a dog.", "Our puppy is called Bo."],
    "growing_up": ["My daughter starts school tomorrow.", "My son is leaving home."],
    "away": ["We booked a trip.", "We're going on a holiday."],
}  # fmt: skip


def of(text: str, *before: str):
    history = [
        Message(role, words) for each in before for role, words in (("seeker", each), ("supporter", "I see."))
    ]
    return subject_of(a_turn(text, index=len(before), history=tuple(history)))


@pytest.mark.parametrize("name", TOPICS)
def test_that_what_people_come_with_is_recognised(name):
    found = {text: (subject := of(text)) and subject.topic.name for text in EXAMPLES[name]}

    assert found == dict.fromkeys(EXAMPLES[name], name)


@pytest.mark.parametrize(
    "text",
    [
        "The train was late and it rained.",
        "I didn't get the job.",
        "I wish we were engaged.",
        "He came out of the shop with bread.",
        "i did it once but now i do it every day",
        "I broke my leg.",
        "What is the capital of Peru?",
        "",
        "x" * 5000,
        "دمت بخير",
    ],
)
def test_that_other_messages_are_about_none_of_them(text):
    assert of(text) is None


def test_that_a_topic_holds_until_another_one_comes():
    assert of("He was only five.", "My dog died.").topic.name == "pet_loss"
    assert of("He was only five.", "My dog died.").since == 1
    assert of("And now I got fired.", "My dog died.").topic.name == "job_loss"
    assert of("So.", "My dog died.", "one", "two", "three", "four") is None


def test_that_whom_it_is_about_is_known_where_it_was_said():
    assert of("My nan has cancer.").who == "your nan"
    assert of("She's in the ICU.").who is None
    assert any("{who}" in phrase for phrase in of("My nan has cancer.").phrases("ask"))
    assert not any("{who}" in phrase for phrase in of("She's in the ICU.").phrases("ask"))


@settings(derandomize=True)  # what is missed is a word in the data, and no edge that another day may find
@given(st.sampled_from([(topic, pattern) for topic in load_topics() for pattern in topic.about]).flatmap(
    lambda pair: st.tuples(st.just(pair[0]), st.from_regex(re.compile(pair[1].pattern, re.ASCII), fullmatch=True))
))  # fmt: skip
def test_that_a_glance_misses_nothing_that_a_pattern_would_find(pair):
    topic, text = pair

    assert topic in [found for found, _ in topics_in(text.lower())]


@pytest.mark.parametrize("name", TOPICS)
def test_that_every_topic_has_enough_to_say(name):
    phrases = TOPICS[name].phrases

    assert all(len(phrases[aspect]) >= 2 for aspect in ASPECTS)
    assert len(phrases["ask"]) + len(phrases["later"]) >= 7
    assert all([each for each in phrases[aspect] if "{who}" not in each] for aspect in ASPECTS)


def a_distribution(label, probability):
    labels = sorted(load_phrases().feelings)
    rest = (1 - probability) / (len(labels) - 1)
    return EmotionReading(
        "empathetic-dialogues-32", {each: probability if each == label else rest for each in labels}
    )


def test_that_the_question_is_about_the_topic_and_comes_once():
    history, asked = (), []
    for index in range(6):
        text = [
            "My cat died yesterday.",
            "I keep looking for her.",
            "She was old.",
            "Yes she was.",
            "I know.",
            "She purred.",
        ][index]
        reply = RESPONDER.respond(a_turn(text, index=index, history=history))
        history = (*history, Message("seeker", text), Message("supporter", reply))
        asked += [
            phrase
            for aspect in ("ask", "later")
            for phrase in TOPICS["pet_loss"].phrases[aspect]
            if phrase in reply
        ]

    assert len(asked) >= 3
    assert len(set(asked)) == len(asked)


def test_that_advice_is_about_the_topic():
    history = (Message("seeker", "I can't sleep, my head won't stop."), Message("supporter", "I see."))

    reply = RESPONDER.respond(a_turn("What should I do?", index=1, history=history))

    assert any(offer in reply for offer in TOPICS["sleep"].phrases["suggest"])


def test_that_a_topic_that_weighs_is_left_alone_by_a_glad_message():
    history = (Message("seeker", "I failed my exam in spring."), Message("supporter", "I see."))
    glad = {"emotion": a_distribution("joyful", 0.8), "affect": Affect(0.7, 0.3, 0.3)}

    reply = RESPONDER.respond(a_turn("We had a lovely day at the sea!", index=1, history=history, **glad))

    assert not any(each in reply for aspect in ASPECTS for each in TOPICS["exam_failed"].phrases[aspect])


def test_that_a_history_that_was_cut_brings_no_topic():
    history = (Message("seeker", "My cat died."), Message("supporter", "I see."))

    reply = RESPONDER.respond(a_turn("She was old.", index=30, history=history))

    assert not any(each in reply for aspect in ASPECTS for each in TOPICS["pet_loss"].phrases[aspect])


def test_that_nothing_is_made_of_good_news_before_while_the_record_of_risk_stands():
    history = (Message("seeker", "I finally did it, I finished the marathon!"), Message("supporter", "Well done."))

    def talks_of_it(course: RiskCourse | None) -> bool:
        reply = RESPONDER.respond(a_turn("And so it went.", index=1, history=history, course=course))
        return any(each in reply for aspect in ASPECTS for each in TOPICS["achieved"].phrases[aspect])

    assert talks_of_it(None)
    assert not talks_of_it(RiskCourse("distress", peak="distress"))
