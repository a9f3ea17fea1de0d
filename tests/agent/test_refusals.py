"""A reply that turns the person away is told from one that says what it cannot do, and never shown."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest

from agent.decisions import Objection
from agent.generator import create
from agent.outlet import TURNED_AWAY, let_out
from agent.refusals import turns_away
from agent.testing import ScriptedGenerator, ScriptedGuard, ScriptedVerifier, a_turn
from tests.agent.safety.kind import KIND
from tests.agent.safety.test_outgoing import every_string, filled
from tests.fake_llm_server import FakeLLMServer, says
from tests.loop_parts import PlainComposer, an_agent, offline

PHRASES = Path(__file__).parents[2] / "prompts" / "offline" / "phrases.toml"
SAID = "My brother will not speak to me since the funeral."


@pytest.mark.parametrize(
    "sentence",
    [
        "I'm sorry, but I can't assist with that.",
        "I’m sorry, but I can’t help with that request.",
        "Sorry, I cannot continue this conversation.",
        "I cannot fulfill your request.",
        "I'm really sorry that you're feeling this way, but I'm unable to provide the help that you need.",
        "I am so sorry to hear that, but I am not able to provide the support you are looking for.",
        "As an AI language model, I cannot provide emotional support.",
        "Unfortunately, I won't be able to help you with this.",
        "I understand that this is hard, but I can't discuss this topic.",
        "I'm sorry, I must decline to answer that question.",
        "  I can't engage in this conversation!",
        "I'm sorry, but I can't help.",
    ],
)
def test_that_a_refusal_is_known(sentence: str):
    assert turns_away(sentence)


@pytest.mark.parametrize(
    "sentence",
    [
        "",
        "I'm sorry that he won't speak to you.",
        "I'm so sorry.",
        "I can't tell you what it means, but I can listen.",
        "As an AI I can't sit beside you, but I can stay with this.",
        "I'm sorry, but I can't help with that alone: who else knows of it?",
        "I can't give you a diagnosis.",
        "I can't answer that for you, and I wonder what you would say.",
        "You said that they can't help with that.",
        "I cannot imagine how long that night was.",
        "I understand that you can't talk about this with him.",
        "It is hard to help somebody who will not talk about it.",
    ],
)
def test_that_what_says_more_is_none(sentence: str):
    assert not turns_away(sentence)


def test_that_nothing_that_helps_and_nothing_written_beforehand_is_one():
    written = [filled(text) for text in every_string(tomllib.loads(PHRASES.read_text("utf-8")))]
    assert [text for text in (*KIND, *written) if turns_away(text)] == []


def test_that_only_the_beginning_of_a_reply_is_one_and_only_where_somebody_else_can_speak():
    refusal, guard = "I can't help with that.", ScriptedGuard()
    assert let_out(guard, a_turn(), "", refusal, others=True).blocked == TURNED_AWAY
    assert let_out(guard, a_turn(), "That sounds lonely. ", refusal, others=True).blocked is None
    assert let_out(guard, a_turn(), "", refusal).text == refusal
    assert let_out(None, a_turn(), "", refusal, others=True).text == refusal  # nobody looks at anything


async def test_that_who_speaks_alone_may_refuse():
    refusal = "I'm sorry, but I can't help with that."
    agent = an_agent(ScriptedGenerator(refusal), guard=ScriptedGuard())
    turn = await agent.respond(SAID)
    assert turn.reply is not None
    assert turn.reply.text == refusal


@pytest.mark.parametrize("drafts", [1, 2], ids=["guard", "guard and verifier"])
async def test_that_an_llm_that_refuses_is_stood_in_for_and_the_reason_recorded(drafts: int):
    refusal = says("I'm sorry, ", "but I can't ", "assist with that. ", "Please see a professional.")
    with FakeLLMServer(*[refusal] * drafts) as server:
        parts: dict[str, Any] = {"fallback": offline("I hear you."), "composer": PlainComposer()}
        if drafts > 1:  # it asks for a second draft
            parts["verifier"] = ScriptedVerifier(Objection("empathy", "Begin with what they feel."), *[None] * 2)
        agent = an_agent(create(server.settings()), guard=ScriptedGuard(), **parts)
        turn = await agent.respond(SAID)
    assert turn.reply is not None
    assert (turn.reply.text, turn.reply.stood_in_for) == ("I hear you.", "openai")
    assert turn.objections[-1].check == "guard: refusal"
    assert "refusal" in turn.failures[-1].message
