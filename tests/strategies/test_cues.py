from __future__ import annotations

import time

import pytest

from strategies.cues import find_cues


@pytest.mark.parametrize(
    ("text", "cue"),
    [
        ("Hi", "greeting"),
        ("hello there!", "greeting"),
        ("Good evening, how are you today?", "greeting"),
        ("Okay, bye!", "farewell"),
        ("good night", "farewell"),
        ("I have to go now, talk to you later", "farewell"),
        ("That's all for today.", "farewell"),
        ("Thanks a lot", "thanks"),
        ("thank you, I really appreciate it", "thanks"),
        ("What should I do?", "asks_advice"),
        ("what else can I try to sleep through the night", "asks_advice"),
        ("What would you suggest?", "asks_advice"),
        ("Do you have any advice for me?", "asks_advice"),
        ("any tips", "asks_advice"),
        ("How do I tell my flatmate that I am moving out?", "asks_advice"),
        ("Should I call her or wait until she writes?", "asks_advice"),
        ("Is there anything I can do about it?", "asks_advice"),
        ("Can you help me to decide between the two?", "asks_advice"),
        ("He wants to move in by June. What do you think?", "asks_advice"),
        ("what do you think about this", "asks_advice"),
        ("Do you think I should write to her first?", "asks_advice"),
        ("What's your honest opinion?", "asks_advice"),
        ("Any thoughts?", "asks_advice"),
        ("Is it normal that I miss him more in the mornings?", "asks_fact"),
        ("How long does grief last?", "asks_fact"),
        ("What is a panic attack?", "asks_fact"),
        ("what does burnout actually mean", "asks_fact"),
        ("Can stress really cause headaches every day?", "asks_fact"),
        ("I already tried that.", "rejects"),
        ("I've tried everything", "rejects"),
        ("That won't work with my father", "rejects"),
        ("That doesnt help at all", "rejects"),
        ("Nothing helps", "rejects"),
        ("it’s not helpful", "rejects"),
        ("Easier said than done...", "rejects"),
        ("I don't want any advice, I just need someone to listen", "rejects"),
        ("No more suggestions please", "rejects"),
        ("Good news!", "good_news"),
        ("I got the job!", "good_news"),
        ("I finally passed my driving test", "good_news"),
        ("I feel a little better now", "good_news"),
        ("It actually went well", "good_news"),
    ],
)
def test_that_a_cue_is_found(text, cue) -> None:
    assert cue in find_cues(text)


@pytest.mark.parametrize(
    ("text", "cue"),
    [
        ("Hi, my brother is in hospital", "greeting"),
        ("The high street was empty", "greeting"),
        ("I never got to say goodbye to her", "farewell"),
        ("I can't get a good night's sleep", "farewell"),
        ("I have to go to court on Monday", "farewell"),
        ("No thanks to my boss", "thanks"),
        ("How could I be so blind?", "asks_advice"),
        ("How do I go on without him?", "asks_advice"),
        ("He never asks what I should have for dinner", "asks_advice"),
        ("I don't need advice", "asks_advice"),
        ("I worked late all week and nobody said thanks.", "thanks"),
        ("What do you think he meant by that?", "asks_advice"),
        ("She said: what do you think you are doing here", "asks_advice"),
        ("I have dark thoughts at night", "asks_advice"),
        ("They advise people for a living", "asks_advice"),
        ("What is the point?", "asks_fact"),
        ("This is not my normal self", "asks_fact"),
        ("I haven't tried that, maybe I will", "rejects"),
        ("If that doesn't work I will call again", "rejects"),
        ("It didn't work out between us", "rejects"),
        ("I tried this new bakery on Sunday", "rejects"),
        ("I am not helpful to anyone", "rejects"),
        ("Everyone would feel better off, I feel better off alone", "good_news"),
        ("There is no good news", "good_news"),
        ("I never feel better", "good_news"),
    ],
)
def test_that_a_lookalike_is_no_cue(text, cue) -> None:
    assert cue not in find_cues(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "   ",
        "Ich weiß nicht mehr weiter, was soll ich tun?",
        "もう無理です。どうすればいいですか？",
        "لا أستطيع النوم",
        "🙂",
        "?",
    ],
)
def test_that_text_in_other_languages_has_no_cues(text) -> None:
    assert find_cues(text) == frozenset()


def test_that_thanks_in_a_long_message_are_not_what_it_is_about() -> None:
    text = (
        "Thanks for asking. It started when the landlord wrote that the rent goes up again and my hours were cut."
    )
    assert "thanks" not in find_cues(text)


def test_that_thanks_with_a_question_count_as_the_question() -> None:
    assert find_cues("Thanks. What should I do next?") == {"asks_advice"}


def test_that_very_long_messages_are_read_in_time_proportional_to_their_length() -> None:
    repeats = ["should i ", "what is a ", "hi ", "that really ", "tried just really ", "i just now ", "how does "]
    started = time.process_time()
    for repeat in repeats:
        find_cues((repeat * 20_000)[:20_000])
    assert time.process_time() - started < 5
