"""The lists of phrases: large enough, clean, and never double."""

from __future__ import annotations

import re
from collections import Counter

import pytest

from agent.errors import DataError
from prompts.offline.phrases import load_phrases
from prompts.offline.topics import ASPECTS, load_topics

PHRASES = load_phrases()
ED_LABELS = """
    afraid angry annoyed anticipating anxious apprehensive ashamed caring confident content devastated disappointed
    disgusted embarrassed excited faithful furious grateful guilty hopeful impressed jealous joyful lonely nostalgic
    prepared proud sad sentimental surprised terrified trusting
"""
OF_TOPICS = {
    f"topic.{topic.name}.{aspect}": topic.phrases[aspect] for topic in load_topics() for aspect in ASPECTS
}
EVERY_PHRASE = [(name, phrase) for name, phrases in (PHRASES.lists | OF_TOPICS).items() for phrase in phrases]
QUESTION_LISTS = [name for name in OF_TOPICS if name.endswith((".ask", ".later"))] + [
    name
    for name in PHRASES.lists
    if name.startswith(("questions.", "careful.ask."))
    or name.endswith((".question", ".check", ".turn", ".invite", "thanks.more"))
]
COMMON_LISTS = [
    name
    for name in PHRASES.lists
    if name.startswith(("lead.", "restate.", "stay.", "greeting.", "farewell.", "thanks.", "unclear.", "minimal."))
    or name.endswith((".general", ".invite", ".clause", ".plain", ".answer", ".question"))
]


@pytest.mark.parametrize("label", ED_LABELS.split())
def test_that_every_label_has_words_that_stand_after_you_feel(label):
    feeling = PHRASES.feelings[label]

    assert feeling.words
    assert all(re.fullmatch(r"[a-z][a-z \-]*", words) for words in feeling.words)


def test_that_only_known_labels_have_words():
    assert sorted(PHRASES.feelings) == sorted(ED_LABELS.split())


@pytest.mark.parametrize("name", COMMON_LISTS)
def test_that_common_kinds_have_at_least_ten_phrases(name):
    assert len(PHRASES[name]) >= 10


def test_that_no_phrase_stands_twice():
    counts = Counter(phrase for _, phrase in EVERY_PHRASE)

    assert [phrase for phrase, count in counts.items() if count > 1] == []


def test_that_every_phrase_is_whole_sentences():
    broken = [
        phrase
        for _, phrase in EVERY_PHRASE
        if not re.fullmatch(r"[A-Z{].*[.!?]", phrase) or "  " in phrase or phrase != phrase.strip()
    ]

    assert broken == []


def test_that_questions_stand_in_the_lists_of_questions_only():
    misplaced = [
        (name, phrase)
        for name, phrase in EVERY_PHRASE
        if phrase.count("?") != (name in QUESTION_LISTS or name == "careful.unread.check")
    ]

    assert misplaced == []


def slots_of_kind(name):
    kind = name.rpartition(".")[2]
    wanted = {"clause"} if "clause" in kind or kind in {"event_feeling", "thought_feeling"} else set()
    return wanted | ({"feeling"} if kind.endswith(("feeling", "maybe")) else set())


def test_that_every_phrase_has_the_slots_of_its_kind():
    wrong = [
        (name, phrase)
        for name, phrase in EVERY_PHRASE
        if {slot.lower() for slot in re.findall(r"{(\w+)}", phrase)} - {"who"} != slots_of_kind(name)
        or ("{who}" in phrase and name not in OF_TOPICS)
    ]

    assert wrong == []


def test_that_nothing_is_claimed_that_an_ai_cannot_claim():
    claims = re.compile(
        r"\b(when i was|i remember|i've been through|i felt|i know how you feel|my own life|"
        r"my (mother|father|wife|husband|friend|childhood|family))\b"
    )

    assert [phrase for _, phrase in EVERY_PHRASE if claims.search(phrase.lower())] == []


def test_that_no_phrase_holds_a_number():
    assert [phrase for _, phrase in EVERY_PHRASE if re.search(r"\d", phrase)] == []


def test_that_suggestions_are_everyday_offers():
    forbidden = re.compile(
        r"\b(medic\w*|pills?|doses?|therap\w*|diagnos\w*|suicid\w*|alcohol|drugs?)\b|\byou (must|should|need to)\b"
    )
    suggestions = [
        phrase for name, phrase in EVERY_PHRASE if name.startswith("suggest.") or name.endswith(".suggest")
    ]

    assert [phrase for phrase in suggestions if forbidden.search(phrase.lower())] == []


def test_that_identity_is_answered_honestly():
    for phrase in PHRASES["identity.answer"]:
        text = phrase.lower()
        assert re.search(r"\b(ai|program|software)\b", text)
        assert "offline" in text
        assert re.search(r"\b(no|not|nor|neither|isn't|can't)\b", text)


def test_that_an_unknown_list_names_the_choices():
    with pytest.raises(DataError, match=r"'lead\.odd'.*lead\.hard\.plain"):
        PHRASES["lead.odd"]
