"""The packet: what a person gets to know, always the same for the same turn."""

from __future__ import annotations

import json
import traceback
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from agent.errors import DataError, InputError
from agent.loop import Agent
from agent.memory import InMemoryStore
from agent.readings import RiskReading
from agent.safety.guard import ProtocolGuard
from agent.safety.handoff import AskedQuestion, LastTurn, RiskPoint, from_json, packet_of
from agent.testing import ScriptedGenerator, a_turn
from agent.turn import Turn
from tests.contracts.store_contract import a_full_turn
from tests.loop_parts import offline

NOW = datetime(2026, 11, 28, 12, 30, tzinfo=UTC)
SAID = [
    ("The exam went badly.", "none", ()),
    ("I think about ending it all the time.", "ideation", ((0, 36),)),
    ("Yes, I do have a plan.", "plan", ((5, 21),)),
    ("No, I was only joking.", "none", ()),
]
ELSEWHERE = "The bus was late again today."


class Scripted:
    """Reads risk as it was told."""

    name, writes, reads = "scripted", "risk", frozenset({"text"})

    def __call__(self, turns: list[Turn]) -> list[RiskReading]:
        known = {text: RiskReading(level, ("x",), spans) for text, level, spans in SAID}  # type: ignore[arg-type]
        return [known[turn.text] for turn in turns]


async def talked() -> tuple[Turn, ...]:
    store = InMemoryStore()
    agent = Agent(
        plugins=[Scripted()],  # type: ignore[list-item]
        generator=ScriptedGenerator("How so?"),
        fallback=offline(),
        store=store,
        guard=ProtocolGuard("GB"),
        clock=lambda: 1_790_000_000.0,
    )
    for text, *_ in SAID:
        await agent.respond(text, conversation_id="c")
    return store.turns("c")


async def test_that_a_message_on_another_subject_is_no_answer():
    turns = list(await talked())
    turns[2] = replace(turns[2], text=ELSEWHERE)
    packet = packet_of(turns, consent=None, reason="plan", created=NOW)
    assert packet.offered.questions[0] == AskedQuestion(1, "thoughts", answered=False, told=None)


async def test_that_a_packet_tells_how_it_came_to_this_and_what_was_offered():
    turns = await talked()
    packet = packet_of(turns, consent=None, reason="plan", created=NOW, last=2)
    assert (packet.id, packet.conversation, packet.created) == (turns[-1].id, "c", "2026-11-28T12:30:00+00:00")
    assert (packet.level, packet.peak, packet.others) == ("plan", "plan", "none")
    assert packet.timeline == (
        RiskPoint(1, "self", "none", "ideation", "said", ("I think about ending it all the time",)),
        RiskPoint(2, "self", "ideation", "plan", "said", ("I do have a plan",)),
    )
    assert packet.offered.questions[0] == AskedQuestion(1, "thoughts", answered=True, told="ideation")
    assert [asked.turn for asked in packet.offered.questions] == [1, 2, 3]
    assert not packet.offered.questions[-1].answered
    assert len(packet.offered.lines) >= 1
    assert packet.offered.denials == 1
    assert [turn.seeker for turn in packet.turns] == [SAID[2][0], SAID[3][0]]
    assert all(turn.supporter for turn in packet.turns)


async def test_that_the_same_turns_give_the_same_bytes_and_the_packet_comes_back():
    turns = await talked()
    packet = packet_of(turns, consent=True, reason="asked", created=NOW)
    assert packet.as_json() == packet_of(turns, consent=True, reason="asked", created=NOW).as_json()
    assert from_json(packet.as_json()) == packet
    assert json.loads(packet.as_json())["schema"] == 1


def test_that_a_packet_of_a_conversation_without_a_record_or_a_reply_is_made():
    packet = packet_of([a_turn("Hello?")], consent=True, reason="asked", created=NOW)
    assert (packet.level, packet.timeline) == ("none", ())
    assert packet.turns == (LastTurn(0, None, "Hello?", None),)
    assert packet_of([a_turn("Hello?")], consent=True, reason="asked", created=NOW, last=0).turns == ()


def test_that_words_that_cannot_be_found_any_more_are_left_out():
    turn = replace(a_full_turn(index=1), text="x")
    (point,) = packet_of([turn], consent=None, reason="plan", created=NOW).timeline
    assert point.words == ("x",)
    later = a_turn("", index=2, course=turn.course)
    assert packet_of([later], consent=None, reason="plan", created=NOW).timeline[0].words == ()


def test_that_a_packet_of_nothing_is_refused():
    with pytest.raises(InputError, match="needs the turns"):
        packet_of([], consent=None, reason="plan", created=NOW)


@pytest.mark.parametrize("body", [b"", b"zorvan", b"[]", b'{"id": "zorvan"}', b"\xff", b"[" * 100_000])
def test_that_what_is_no_packet_is_refused_without_quoting_it(body: bytes):
    with pytest.raises(DataError, match="no handoff packet") as caught:
        from_json(body)
    assert "zorvan" not in "".join(traceback.format_exception(caught.value))
