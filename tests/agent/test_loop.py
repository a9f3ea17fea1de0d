"""One turn from beginning to end: what happens in which order, and what the next turn knows."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator

import pytest

from agent.decisions import Reply
from agent.errors import InputError, StoreError
from agent.events import StageFinished, Token
from agent.memory import InMemoryStore
from agent.readings import Affect, RiskReading
from agent.state import EmotionalState
from agent.testing import FixedPlugin, ScriptedGenerator, ScriptedGuard, a_reading
from agent.tracker import SmoothedTracker
from agent.turn import Message, Turn
from tests.loop_parts import (
    SAID,
    STAGES,
    AskingPlanner,
    PlainComposer,
    an_agent,
    events_of,
    finished_turn,
    told,
)


async def test_that_events_come_in_the_order_of_the_stages():
    generator = ScriptedGenerator("I hear you.")
    agent = an_agent(
        generator,
        tracker=SmoothedTracker(reads=frozenset()),
        planner=AskingPlanner(),
        composer=PlainComposer(),
        guard=ScriptedGuard(),
        fallback=ScriptedGenerator("I am here.", name="offline"),
        plugins=[FixedPlugin("risk", RiskReading("none"))],
    )
    assert [told(event) for event in await events_of(agent)] == [
        *("recall …", "recall ."),
        *("perceive …", "perceive ."),
        *("reread …", "reread ."),
        *("screen …", "screen ."),
        *("track …", "track ."),
        *("plan …", "plan ."),
        *("compose …", "compose ."),
        *("generate …", "'I hear you.'", "generate ."),
        *("remember …", "remember ."),
        "done",
    ]
    generator.verify()


async def test_that_the_pieces_make_up_the_reply():
    events = await events_of(an_agent(ScriptedGenerator(["I he", "ar", " you", "."])))
    assert finished_turn(events).reply == Reply("I hear you.", "scripted")
    assert "".join(event.text for event in events if isinstance(event, Token)) == "I hear you."


async def test_that_each_stage_shows_what_it_filled_before_the_reply_comes():
    agent = an_agent(
        ScriptedGenerator("Yes."),
        tracker=SmoothedTracker(reads=frozenset()),
        planner=AskingPlanner(),
        composer=PlainComposer(),
    )
    after = {event.stage: event.turn for event in await events_of(agent) if isinstance(event, StageFinished)}
    filled = {
        stage: {
            name for name in ("emotion", "state", "plan", "prompt", "reply") if getattr(turn, name) is not None
        }
        for stage, turn in after.items()
    }
    assert list(filled.values()) == [
        set(),
        {"emotion"},
        {"emotion"},
        {"emotion"},
        {"emotion", "state"},
        {"emotion", "state", "plan"},
        {"emotion", "state", "plan", "prompt"},
        {"emotion", "state", "plan", "prompt", "reply"},
        {"emotion", "state", "plan", "prompt", "reply"},
    ]


async def test_that_each_stage_is_timed_once_and_in_order_except_for_storing_the_times():
    store = InMemoryStore()
    agent = an_agent(ScriptedGenerator("Yes."), store=store)
    events = [event for event in await events_of(agent) if isinstance(event, StageFinished)]
    assert [event.stage for event in events] == STAGES
    assert all(event.milliseconds >= 0 for event in events)
    timed = [(event.stage, event.milliseconds) for event in events[:-1]]
    assert [(timing.stage, timing.milliseconds) for timing in store.turns("c")[0].timings] == timed


async def test_that_respond_gives_the_turn_that_is_stored():
    store = InMemoryStore()
    turn = await an_agent(ScriptedGenerator("Yes."), store=store).respond(f"  {SAID}\x00 ", conversation_id="c")
    [stored] = store.turns("c")
    assert (turn.text, turn.index, turn.conversation_id, turn.failures) == (SAID, 0, "c", ())
    assert (stored.id, stored.text, stored.emotion, stored.reply) == (turn.id, SAID, a_reading(), turn.reply)


async def test_that_parts_that_are_left_out_leave_their_fields_empty():
    turn = await an_agent(ScriptedGenerator("Yes."), plugins=[]).respond(SAID)
    assert (turn.emotion, turn.state, turn.plan, turn.prompt, turn.verdicts) == (None, None, None, None, ())
    assert turn.failures == ()


async def test_that_a_conversation_without_a_name_is_a_new_one():
    store = InMemoryStore()
    agent = an_agent(ScriptedGenerator("Yes.", "No."), store=store)
    first, second = await agent.respond(SAID), await agent.respond(SAID)
    assert first.conversation_id != second.conversation_id
    assert second.history == ()
    assert set(store.conversations()) == {first.conversation_id, second.conversation_id}


async def test_that_the_second_turn_knows_the_first():
    generator = ScriptedGenerator("Yes.", "No.", "Oh.")
    agent = an_agent(
        generator,
        plugins=[FixedPlugin("affect", Affect(-0.5, 0.5, 0.0))],
        tracker=SmoothedTracker(),
        planner=AskingPlanner(),
    )
    first = await agent.respond("The tent leaks.", conversation_id="c")
    second = await agent.respond("It rains.", conversation_id="c")
    third = await agent.respond("It pours.", conversation_id="c")
    assert (first.index, first.history, first.state_before) == (0, (), None)
    assert second.index == 1
    assert second.history == (Message("seeker", "The tent leaks."), Message("supporter", "Yes.", "question"))
    assert second.state_before == first.state
    assert (third.index, len(third.history), third.state_before) == (2, 4, second.state)
    assert third.state is not None
    assert third.state.turns == 3
    assert [turn.index for turn in generator.turns] == [0, 1, 2]


@pytest.mark.parametrize(("limit", "seen"), [(0, []), (1, ["2", "Yes."]), (2, ["1", "Yes.", "2", "Yes."])])
async def test_that_looking_back_has_a_limit_and_the_count_has_none(limit: int, seen: list[str]):
    agent = an_agent(ScriptedGenerator(*["Yes."] * 4), history_turns=limit)
    for text in ("0", "1", "2"):
        await agent.respond(text, conversation_id="c")
    turn = await agent.respond("3", conversation_id="c")
    assert [message.text for message in turn.history] == seen
    assert turn.index == 3


def test_that_code_without_an_event_loop_can_respond_again_and_again():
    store = InMemoryStore()
    agent = an_agent(ScriptedGenerator("Yes.", "No."), store=store)
    agent.respond_sync("The tent leaks.", conversation_id="c")
    second = agent.respond_sync("It rains.", conversation_id="c")
    assert second.history == (Message("seeker", "The tent leaks."), Message("supporter", "Yes."))
    assert [turn.index for turn in store.turns("c")] == [0, 1]


def test_that_reading_alone_stores_nothing_and_asks_nobody():
    store, generator = InMemoryStore(), ScriptedGenerator()
    turns = an_agent(generator, store=store).read([" The tent leaks.\n", "It rains."])
    assert [(turn.text, turn.emotion) for turn in turns] == [
        ("The tent leaks.", a_reading()),
        ("It rains.", a_reading()),
    ]
    assert len({turn.id for turn in turns}) == 2
    assert store.conversations() == ()
    generator.verify()


async def test_that_leaving_an_agent_lets_go_of_its_parts():
    class Connected(ScriptedGenerator):
        closed = False

        async def aclose(self) -> None:
            self.closed = True

    store, generator, fallback = InMemoryStore(), Connected("Yes."), Connected(name="offline")
    async with an_agent(generator, store=store, fallback=fallback) as agent:
        await agent.respond(SAID)
    assert generator.closed
    assert fallback.closed
    with pytest.raises(StoreError, match="closed"):
        store.conversations()


@pytest.mark.parametrize("text", ["", " \n", "\x00", "k" * 101, "k" * 1_000_000])
async def test_that_what_is_no_message_is_refused_before_anything_happens(text: str):
    store, generator, plugin = InMemoryStore(), ScriptedGenerator(), FixedPlugin("emotion", a_reading())
    agent = an_agent(generator, store=store, plugins=[plugin], max_message_characters=100)
    with pytest.raises(InputError):
        await agent.respond(text, conversation_id="c")
    with pytest.raises(InputError):
        await events_of(agent, text)
    with pytest.raises(InputError):
        agent.read(["fine", text])
    assert store.conversations() == ()
    assert plugin.seen == []
    generator.verify()


class Echoing:
    """Says who it speaks to in two pieces; between them it waits for the others."""

    name = "echoing"
    reads = frozenset({"text"})

    def __init__(self, parties: int) -> None:
        self.barrier = asyncio.Barrier(parties)

    async def generate(self, turn: Turn) -> AsyncGenerator[str | Reply]:
        yield f"To {turn.text}: "
        async with asyncio.timeout(60), self.barrier:
            yield f"after {len(turn.history)}."
        yield Reply(f"To {turn.text}: after {len(turn.history)}.", self.name)


async def test_that_conversations_at_the_same_time_do_not_mix():
    people = ("Ada", "Bo", "Cleo")
    store = InMemoryStore()
    agent = an_agent(
        Echoing(len(people)),
        plugins=[FixedPlugin("affect", Affect(-0.5, 0.5, 0.0))],
        tracker=SmoothedTracker(),
        store=store,
    )
    for said in (0, 2):
        async with asyncio.timeout(60):
            turns = await asyncio.gather(*(agent.respond(person, conversation_id=person) for person in people))
        for person, turn in zip(people, turns, strict=True):
            assert turn.reply is not None
            assert turn.reply.text == f"To {person}: after {said}."
    for person in people:
        stored = store.turns(person)
        assert {turn.text for turn in stored} == {person}
        assert {message.text for turn in stored for message in turn.history} <= {person, f"To {person}: after 0."}
        assert [turn.state.turns for turn in stored if isinstance(turn.state, EmotionalState)] == [1, 2]


async def test_that_two_messages_of_one_conversation_at_once_are_both_kept():
    store = InMemoryStore()
    agent = an_agent(Echoing(2), store=store)
    async with asyncio.timeout(60):
        turns = await asyncio.gather(*(agent.respond(text, conversation_id="c") for text in ("one", "two")))
    assert sorted(turn.index for turn in turns) == [0, 1]
    assert sorted(turn.text for turn in store.turns("c")) == ["one", "two"]
