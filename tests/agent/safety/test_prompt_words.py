"""A reply does not recite its own prompt. The odd ones are close to what real small LLMs wrote."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from agent.decisions import Prompt, PromptMessage
from agent.readings import CauseReading
from agent.safety.guard import ProtocolGuard
from agent.safety.prompt_words import gives_prompt_away
from agent.second_look import Exemplar, ExemplarReading
from agent.sentences import sentences_of
from agent.testing import a_turn
from agent.turn import Message, Turn
from prompts.composer import SectionComposer
from prompts.stimuli import Stimulus, load_stimuli
from strategies.rules import create as create_planner

SAID = "Today they read my poem aloud in the canteen and all of them laughed."


def turn_with_prompt(text: str = SAID, **fields: Any) -> Turn:
    turn = a_turn(text, cause=CauseReading(), **fields)
    turn = turn.fill(plan=asyncio.run(create_planner(None).plan(turn)))
    return turn.fill(prompt=SectionComposer(variant="hef+strategy+exemplars").compose(turn))


@pytest.mark.parametrize(
    "sentence",
    [
        "Write two to four sentences in plain words, in the language of the person's last message.",
        "The original message is:\n- Question: Never mention the strategy, the notes or anything they say.",
        "STAY WITH WHAT THE PERSON TOLD YOU. do not invent facts",
        "Emotion: embarrassed (0.62), angry (0.11).",
        "Your valence -0.41 shows that it was hard.",
        "It hurts that ⟦they read my poem aloud⟧.",
    ],
)
def test_that_a_sentence_that_recites_the_prompt_is_held_back(sentence: str):
    turn = turn_with_prompt()
    assert gives_prompt_away(turn, sentence)
    blocked = ProtocolGuard().check(turn, "I hear you.", sentence)
    assert blocked is not None
    assert blocked.category == "role"


@pytest.mark.parametrize("stimulus", load_stimuli().values(), ids=lambda stimulus: stimulus.name)
def test_that_a_stimulus_is_never_said_to_the_person(stimulus: Stimulus):
    turn = a_turn(SAID)
    turn = turn.fill(prompt=SectionComposer(stimulus=stimulus.name).compose(turn))
    for sentence in sentences_of(stimulus.text):
        assert gives_prompt_away(turn, sentence), sentence
    assert not gives_prompt_away(turn_with_prompt(), stimulus.text)


def test_that_a_strategy_is_followed_and_not_recited():
    turn = turn_with_prompt()
    assert turn.plan is not None
    assert gives_prompt_away(turn, f"{turn.plan.chosen.name}. {turn.plan.chosen.definition}")


@pytest.mark.parametrize(
    "sentence",
    [
        "They read my poem aloud in the canteen and all of them laughed, you write, and I can see why that burns.",
        "Please call the local emergency number, a crisis line where you live, or someone close by.",
        "I take it seriously, and I am not going anywhere.",
        "It happened two times (the second one was in May).",
        "You are at 0.5 of what you need, if I read your sums right.",
        "I'm an AI, and I say so whenever somebody asks.",
    ],
)
def test_that_other_sentences_may_be_said(sentence: str):
    turn = turn_with_prompt()
    assert not gives_prompt_away(turn, sentence)
    assert ProtocolGuard().check(turn, "", sentence) is None


def test_that_what_the_person_quotes_of_the_prompt_may_be_said_back():
    rule = "do not invent facts, do not flatter, and do not agree with what harms them"
    turn = turn_with_prompt(history=(Message("seeker", f"My manual says: {rule}."), Message("supporter", "Yes?")))
    assert not gives_prompt_away(turn, f"Your manual says: {rule}.")
    assert gives_prompt_away(turn_with_prompt(), f"My rules say: {rule}.")


def test_that_the_story_of_another_person_is_not_told():
    told = Exemplar(
        "My cousin sold the boat that our grandfather built by hand.", "That boat held years.", {}, 0.9
    )
    turn = turn_with_prompt(exemplars=ExemplarReading((told,)))
    assert gives_prompt_away(turn, "Your cousin sold the boat that our grandfather built by hand, didn't he?")
    assert not gives_prompt_away(turn_with_prompt(), told.text)


def test_that_without_a_prompt_nothing_is_recited():
    assert not gives_prompt_away(
        a_turn(SAID), "Write two to four sentences in plain words, in the language of it."
    )
    told = Prompt((PromptMessage("user", SAID),), "t", "0" * 64)
    assert not gives_prompt_away(a_turn(SAID, prompt=told), SAID)
