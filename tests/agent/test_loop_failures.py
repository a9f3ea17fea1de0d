"""Parts and stores that fail cost their own work, and never the person's message."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import AsyncGenerator

import pytest

from agent.decisions import Reply, StageFailure
from agent.errors import GenerationError, LLMUnreachableError, StoreError, WiringError
from agent.events import Event, FailureNoted
from agent.loop import Agent
from agent.memory import InMemoryStore
from agent.protocols import Recalled
from agent.readings import RiskReading
from agent.testing import BrokenPlugin, FixedPlugin, ScriptedGenerator, ScriptedGuard
from tests.loop_parts import (
    NAME,
    SAID,
    Forgetful,
    PlainComposer,
    Quotes,
    an_agent,
    events_of,
    finished_turn,
    offline,
    told,
)


@pytest.mark.parametrize(
    ("kind", "field", "stage"),
    [("tracker", "state", "track"), ("planner", "plan", "plan"), ("composer", "prompt", "compose")],
)
async def test_that_a_part_that_fails_is_told_and_the_turn_goes_on(kind: str, field: str, stage: str):
    store = InMemoryStore()
    events = await events_of(an_agent(ScriptedGenerator("Yes."), store=store, **{kind: Quotes()}))
    failure = StageFailure(stage, "quotes", "ValueError", "")
    [stored] = store.turns("c")
    assert getattr(stored, field) is None
    assert stored.failures == (failure,)
    assert stored.reply == Reply("Yes.", "scripted")
    place = events.index(FailureNoted(failure))
    assert [told(event) for event in events[place - 1 : place + 2]] == [
        f"{stage} …",
        "quotes failed",
        f"{stage} .",
    ]


async def test_that_a_plugin_that_fails_is_told_and_the_turn_goes_on():
    broken = BrokenPlugin("emotion")
    events = await events_of(an_agent(ScriptedGenerator("Yes."), plugins=[broken]))
    assert [told(event) for event in events[2:5]] == ["perceive …", "broken-emotion failed", "perceive ."]
    assert told(events[-1]) == "done"


async def test_that_without_its_prompt_the_generator_is_not_asked():
    generator = ScriptedGenerator(reads=["prompt"])
    turn = await an_agent(generator, composer=Quotes(), fallback=offline("I am here.")).respond(SAID)
    assert turn.reply == Reply("I am here.", "offline")
    assert [failure.stage for failure in turn.failures] == ["compose"]
    generator.verify()


async def collect(stream: AsyncGenerator[Event], into: list[Event]) -> None:
    async for event in stream:
        into.append(event)  # noqa: PERF401 - a comprehension would lose them all when the stream fails


async def test_that_no_failure_record_holds_the_person_s_words():
    store, quotes = InMemoryStore(), Quotes()
    agent = an_agent(
        quotes,
        plugins=[BrokenPlugin("emotion", error=ValueError(f"what is {SAID!r}?"))],
        tracker=quotes,
        guard=quotes,
        planner=quotes,
        composer=quotes,
        fallback=quotes,
        store=store,
    )
    events: list[Event] = []
    with pytest.raises(GenerationError) as caught:
        await collect(agent.stream(SAID, conversation_id="c"), events)
    [stored] = store.turns("c")
    assert [failure.stage for failure in stored.failures] == [
        "perceive", "screen", "track", "plan", "compose", "generate",
    ]  # fmt: skip
    assert [event.failure for event in events if isinstance(event, FailureNoted)] == list(stored.failures)
    assert NAME not in repr(stored.failures) + repr(stored.verdicts) + str(caught.value)


async def test_that_a_conversation_that_cannot_be_recalled_is_no_turn():
    store, generator = InMemoryStore(), ScriptedGenerator()
    store.close()
    with pytest.raises(StoreError, match="closed"):
        await an_agent(generator, store=store).respond(SAID)
    generator.verify()


@pytest.mark.parametrize(
    ("error", "message"), [(StoreError("The disk is full."), "The disk is full."), (OSError(f"{SAID}"), "")]
)
async def test_that_a_turn_that_cannot_be_stored_is_still_answered(error: Exception, message: str):
    events = await events_of(an_agent(ScriptedGenerator("Yes."), store=Forgetful(error)))
    assert [told(event) for event in events[-4:]] == ["remember …", "memory failed", "remember .", "done"]
    turn = finished_turn(events)
    assert turn.reply == Reply("Yes.", "scripted")
    assert turn.failures == (StageFailure("remember", "memory", type(error).__name__, message),)


@pytest.mark.parametrize("error", [StoreError("The disk is full."), OSError("disk")], ids=["ours", "a stranger's"])
async def test_that_where_neither_speaks_nor_stores_the_speaker_s_error_is_seen(error: Exception):
    failing = ScriptedGenerator([LLMUnreachableError("It is gone.")])
    with pytest.raises(LLMUnreachableError, match=r"It is gone\."):
        await an_agent(failing, store=Forgetful(error)).respond(SAID)


async def test_that_two_processes_that_write_at_once_lose_nothing():
    class Late(InMemoryStore):
        def recall(self, conversation_id: str, *, turns: int) -> Recalled:
            return Recalled()

    store = Late()
    agent = an_agent(ScriptedGenerator("Yes.", "No."), store=store)
    first = await agent.respond("one", conversation_id="c")
    second = await agent.respond("two", conversation_id="c")
    assert (first.index, second.index) == (0, 1)
    assert [turn.text for turn in store.turns("c")] == ["one", "two"]


def test_that_a_plugin_that_never_returns_does_not_keep_the_program_from_ending():
    code = (
        "import threading\n"
        "from agent.loop import Agent\n"
        "from agent.memory import InMemoryStore\n"
        "from agent.testing import FixedPlugin, ScriptedGenerator\n"
        "class Hangs(FixedPlugin):\n"
        "    def __call__(self, turns): threading.Event().wait()\n"
        "agent = Agent(plugins=[Hangs('emotion', None)], generator=ScriptedGenerator('I hear you.'),\n"
        "              store=InMemoryStore(), plugin_seconds=0.05)\n"
        "turn = agent.respond_sync('The train was late again.')\n"
        "print(turn.failures[0].error, turn.reply.text)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == "TimeoutError I hear you."


def test_that_a_guard_without_a_fallback_is_refused_where_an_llm_would_answer():
    with pytest.raises(WiringError, match="fallback"):
        Agent(
            plugins=[FixedPlugin("risk", RiskReading("none"))],
            guard=ScriptedGuard(),
            generator=ScriptedGenerator(reads=("prompt",)),
            composer=PlainComposer(),
            store=InMemoryStore(),
        )
