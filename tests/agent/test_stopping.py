"""Stop texts: what is spoken freely ends before them, and nothing else does."""

from __future__ import annotations

import asyncio
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.decisions import Reply, TokenUsage
from agent.loop import Agent
from agent.safety.guard import ProtocolGuard
from agent.stopping import Stopping, ending_before
from agent.testing import ScriptedGenerator, ScriptedGuard, a_turn
from tests.danger_word import DangerWord
from tests.loop_parts import an_agent, offline

LETTERS = st.text("ab.", max_size=12)


async def said_by(pieces: list[str], stops: list[str]) -> tuple[list[str], Reply]:
    *shown, last = [piece async for piece in Stopping(ScriptedGenerator(pieces), stops).generate(a_turn())]
    assert isinstance(last, Reply)
    return [str(piece) for piece in shown], last


@given(
    text=LETTERS,
    cuts=st.lists(st.integers(0, 12)),
    stops=st.lists(st.text("ab.", min_size=1, max_size=3), min_size=1, max_size=3),
)
def test_that_however_a_text_is_chopped_up_it_ends_before_the_first_stop_text(text, cuts, stops):
    edges = sorted({0, len(text), *(min(cut, len(text)) for cut in cuts)})
    shown, reply = asyncio.run(said_by([text[a:b] for a, b in pairwise(edges)], stops))
    places = [text.find(stop) for stop in stops if stop in text]
    assert "".join(shown) == reply.text == text[: min(places, default=len(text))]


async def test_that_what_cannot_begin_a_stop_text_is_shown_at_once():
    shown, _ = await said_by(["Well, E", "ven so", " END and more"], ["END"])
    assert shown == ["Well, ", "Even so", " "]


async def test_that_a_reply_that_comes_whole_keeps_who_spoke_and_its_counts():
    class Whole(ScriptedGenerator):
        async def generate(self, turn):
            yield Reply("One. Two.", "tiny", "length", TokenUsage(4, 2))

    *_, reply = [piece async for piece in Stopping(Whole(), [" Two"]).generate(a_turn())]
    assert reply == Reply("One.", "tiny", "stop", TokenUsage(4, 2))


def in_danger() -> Agent:
    given = {"plugins": [DangerWord()], "guard": ProtocolGuard("GB"), "fallback": offline("Here.", "Here.")}
    return an_agent(ScriptedGenerator("One. Two.", "One. Two."), **given)


@pytest.mark.parametrize("stops", [["."], [" ", "\n"], ["e"]])
async def test_that_no_stop_text_cuts_the_words_of_the_protocol_off(stops: list[str]):
    whole = await in_danger().respond("I will kill myself.", conversation_id="c")
    turn = await ending_before(in_danger(), stops).respond("I will kill myself.", conversation_id="c")
    assert turn.reply == whole.reply
    assert turn.reply is not None
    assert turn.reply.speaker == "protocol"


async def test_that_who_answers_in_danger_without_words_of_the_protocol_is_not_cut_off_either():
    fallback = offline("I am here. Please call 999.")
    agent = an_agent(ScriptedGenerator(), plugins=[DangerWord()], guard=ScriptedGuard(), fallback=fallback)
    reply = (await ending_before(agent, [". "]).respond("I will kill myself.")).reply
    assert reply is not None
    assert reply.text == "I am here. Please call 999."


async def test_that_who_stands_in_ends_before_a_stop_text_too_and_empty_ones_count_for_nothing():
    agent = an_agent(ScriptedGenerator(), fallback=offline("One. Two."))
    reply = (await ending_before(agent, ["", " Two"]).respond("Hello.")).reply
    assert reply is not None
    assert (reply.text, reply.speaker) == ("One.", "offline")
    assert ending_before(agent, [""]) is agent
