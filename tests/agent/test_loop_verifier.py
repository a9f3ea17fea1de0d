"""What a verifier lets through: drafts held back, asked for again, cut, or sent unchecked where it fails."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.decisions import Objection, Prompt, PromptMessage, Reply, StageFailure
from agent.errors import GenerationError, LLMUnreachableError, WiringError
from agent.events import Event, FailureNoted, Token
from agent.generator import create
from agent.memory import InMemoryStore
from agent.readings import RiskReading
from agent.testing import FixedPlugin, ScriptedGenerator, ScriptedGuard, ScriptedVerifier
from agent.turn import Turn
from tests.fake_llm_server import WAIT, FakeLLMServer, says
from tests.loop_parts import (
    NAME,
    SAID,
    PlainComposer,
    Quotes,
    Speechless,
    Waiting,
    an_agent,
    events_of,
    finished_turn,
    offline,
    wait_for,
)

PLAN = Objection("plan", "Follow the plan.")
WORSE = Objection("worse", "Be kinder.")
SAFETY = Objection("safety", "Say what you are.")
LONG = "That hurts. You were close. He slept on your bed. What was he like?"
OTHER = "I am so sorry. He was family. Tell me about him."


class MindfulComposer(PlainComposer):
    """Puts what was objected to into the prompt."""

    def compose(self, turn: Turn) -> Prompt:
        assert turn.prompt is None
        notes = [PromptMessage("system", objection.feedback) for objection in turn.objections]
        return Prompt((*notes, PromptMessage("user", turn.text)), "mindful", "0" * 64)


class Countable(ScriptedGenerator):
    """Counts its drafts that were let go before they were through."""

    closed = 0

    async def generate(self, turn: Turn) -> AsyncGenerator[str | Reply]:
        through = False
        try:
            async for piece in super().generate(turn):
                through = isinstance(piece, Reply)
                yield piece
        finally:
            self.closed += not through


def shown(events: list[Event]) -> list[str]:
    """Each piece that was shown."""
    return [event.text for event in events if isinstance(event, Token)]


async def test_that_the_opening_is_held_until_it_is_checked_and_then_each_sentence():
    verifier = ScriptedVerifier(None, None, None)
    events = await events_of(an_agent(ScriptedGenerator(LONG), verifier=verifier))
    assert shown(events) == ["That hurts. You were close.", " He slept on your bed.", " What was he like?"]
    assert verifier.seen == [
        ("That hurts. You were close.", False),
        ("That hurts. You were close. He slept on your bed.", False),
        (LONG, True),
    ]
    turn = finished_turn(events)
    assert (turn.reply, turn.objections, turn.failures) == (Reply(LONG, "scripted"), (), ())
    assert verifier.turns[0].emotion is not None
    verifier.verify()


@pytest.mark.parametrize("text", ["Yes", "Yes.", "Yes. I hear you.", "Yes.\nI hear you."])
async def test_that_a_reply_that_is_no_longer_than_an_opening_is_checked_whole(text: str):
    verifier = ScriptedVerifier(None)
    events = await events_of(an_agent(ScriptedGenerator(text), verifier=verifier))
    assert (verifier.seen, shown(events)) == ([(text, True)], [text])


async def test_that_the_beginning_is_shown_before_the_reply_is_complete():
    store = InMemoryStore()
    generator = Waiting("That hurts. You were close. He sl")
    async with aclosing(
        an_agent(generator, verifier=ScriptedVerifier(None), store=store).stream(SAID, conversation_id="c")
    ) as events:
        async for event in events:
            if isinstance(event, Token):
                break
    assert event == Token("That hurts. You were close.")
    assert generator.closed
    [stored] = store.turns("c")
    assert stored.reply == Reply("That hurts. You were close.", "waiting", finish_reason="interrupted")


async def test_that_what_was_held_when_somebody_stopped_was_never_said():
    store, generator = InMemoryStore(), Waiting("That hurts. You we")
    agent = an_agent(generator, verifier=ScriptedVerifier(), store=store)
    task = asyncio.create_task(agent.respond(SAID, conversation_id="c"))
    await wait_for(generator.said)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert store.turns("c")[0].reply is None
    assert generator.closed


async def test_that_a_draft_whose_opening_is_objected_to_is_dropped_and_another_one_asked_for():
    generator, store = Countable(LONG, OTHER, reads=["prompt"]), InMemoryStore()
    verifier = ScriptedVerifier(PLAN, None, None)
    agent = an_agent(generator, verifier=verifier, composer=MindfulComposer(), store=store)
    events = await events_of(agent)
    assert "".join(shown(events)) == OTHER
    assert not [event for event in events if isinstance(event, FailureNoted)]
    turn = finished_turn(events)
    assert (turn.reply, turn.objections) == (Reply(OTHER, "scripted"), (PLAN,))
    assert generator.closed == 1
    sent = [asked.prompt for asked in generator.turns]
    assert [[message.content for message in prompt.messages] for prompt in sent if prompt] == [
        [SAID],
        ["Follow the plan.", SAID],
    ]
    assert turn.prompt == sent[1]
    assert store.turns("c")[0].prompt == sent[1]
    generator.verify()
    verifier.verify()


async def test_that_the_connection_of_a_dropped_draft_is_closed_before_the_next_is_asked_for():
    closed_before: list[int] = []

    class Watching(Countable):
        async def generate(self, turn: Turn) -> AsyncGenerator[str | Reply]:
            closed_before.append(self.closed)
            async with aclosing(super().generate(turn)) as pieces:
                async for piece in pieces:
                    yield piece

    await an_agent(Watching(LONG, OTHER), verifier=ScriptedVerifier(PLAN, None, None)).respond(SAID)
    assert closed_before == [0, 1]


async def test_that_a_second_draft_is_sent_whatever_the_same_check_says():
    verifier = ScriptedVerifier(PLAN, WORSE, WORSE)
    fallback = offline()
    turn = await an_agent(ScriptedGenerator(LONG, OTHER), verifier=verifier, fallback=fallback).respond(SAID)
    assert (turn.reply, turn.objections) == (Reply(OTHER, "scripted"), (PLAN, WORSE))
    verifier.verify()
    fallback.verify()


async def test_that_another_check_still_counts_after_a_second_draft_was_sent():
    verifier = ScriptedVerifier(PLAN, PLAN, WORSE)
    turn = await an_agent(ScriptedGenerator(LONG, OTHER), verifier=verifier).respond(SAID)
    assert turn.reply == Reply("I am so sorry. He was family.", "scripted", finish_reason="cut")
    assert turn.objections == (PLAN, PLAN, WORSE)


async def test_that_two_unsafe_drafts_hand_over_to_the_fallback_unseen():
    generator, fallback = ScriptedGenerator(LONG, OTHER), offline("I am here. Go on. I listen.")
    verifier = ScriptedVerifier(PLAN, SAFETY)
    events = await events_of(an_agent(generator, verifier=verifier, fallback=fallback))
    turn = finished_turn(events)
    assert "".join(shown(events)) == "I am here. Go on. I listen."
    assert turn.reply == Reply("I am here. Go on. I listen.", "offline", stood_in_for="scripted")
    assert turn.objections == (PLAN, SAFETY)
    [noted] = [event for event in events if isinstance(event, FailureNoted)]
    assert not noted.discards
    verifier.verify()


async def test_that_two_unsafe_drafts_without_a_fallback_are_an_error_and_the_message_is_kept():
    store = InMemoryStore()
    agent = an_agent(ScriptedGenerator(LONG, OTHER), verifier=ScriptedVerifier(SAFETY, SAFETY), store=store)
    with pytest.raises(GenerationError, match="safety"):
        await agent.respond(SAID, conversation_id="c")
    assert store.turns("c")[0].reply is None


@pytest.mark.parametrize("objection", [WORSE, SAFETY])
async def test_that_a_reply_ends_before_a_later_sentence_that_is_objected_to(objection: Objection):
    generator, verifier = Countable(LONG), ScriptedVerifier(None, objection)
    fallback = offline()
    events = await events_of(an_agent(generator, verifier=verifier, fallback=fallback))
    turn = finished_turn(events)
    assert turn.reply == Reply("That hurts. You were close.", "scripted", finish_reason="cut")
    assert "".join(shown(events)) == turn.reply.text
    assert turn.objections == (objection,)
    assert generator.closed == 1
    fallback.verify()


async def test_that_a_last_sentence_that_is_objected_to_is_left_out():
    class Named(ScriptedGenerator):
        async def generate(self, turn: Turn) -> AsyncGenerator[str | Reply]:
            async for piece in super().generate(turn):
                yield piece if isinstance(piece, str) else Reply(piece.text, "the-model")

    turn = await an_agent(Named(LONG), verifier=ScriptedVerifier(None, None, WORSE)).respond(SAID)
    text = "That hurts. You were close. He slept on your bed."
    assert turn.reply == Reply(text, "the-model", finish_reason="cut")


async def test_that_where_what_was_shown_cannot_stand_alone_the_fallback_speaks_in_its_place():
    generator = Countable("That hurts. Here is what may help:\n1. Weep.\n2. Leave.")
    events = await events_of(
        an_agent(generator, verifier=ScriptedVerifier(None, WORSE), fallback=offline("I am here."))
    )
    assert finished_turn(events).reply == Reply("I am here.", "offline", stood_in_for="scripted")
    [noted] = [event for event in events if isinstance(event, FailureNoted)]
    assert noted.discards
    assert generator.closed == 1


@pytest.mark.parametrize(
    ("answer", "error"), [(ValueError(SAID), "ValueError"), (PLAN.check, "PluginError"), (True, "PluginError")]
)
async def test_that_where_the_verifier_fails_the_text_goes_out_unchecked(answer: Any, error: str):
    verifier = ScriptedVerifier(None, answer)
    events = await events_of(an_agent(ScriptedGenerator(LONG), verifier=verifier))
    turn = finished_turn(events)
    assert turn.reply == Reply(LONG, "scripted")
    assert "".join(shown(events)) == LONG
    [failure] = turn.failures
    assert (failure.stage, failure.part, failure.error) == ("verify", "scripted", error)
    assert NAME not in failure.message
    assert FailureNoted(failure) in events
    verifier.verify()


async def test_that_a_verifier_that_hangs_does_not_keep_the_reply():
    class Hangs(ScriptedVerifier):
        def check(self, turn: Turn, draft: str, *, whole: bool) -> Objection | None:
            threading.Event().wait()

    turn = await an_agent(ScriptedGenerator(LONG), verifier=Hangs(), verifier_seconds=0.05).respond(SAID)
    assert turn.reply == Reply(LONG, "scripted")
    assert turn.failures == (StageFailure("verify", "scripted", "TimeoutError"),)


async def test_that_other_conversations_go_on_while_a_draft_is_looked_at():
    looking, goes_on = threading.Event(), threading.Event()

    class Slow(ScriptedVerifier):
        def check(self, turn: Turn, draft: str, *, whole: bool) -> Objection | None:
            looking.set()
            assert goes_on.wait(60)
            return None

    slow = asyncio.create_task(
        an_agent(ScriptedGenerator("Yes."), verifier=Slow(), verifier_seconds=90).respond(SAID)
    )
    await asyncio.to_thread(looking.wait, 60)
    assert (await an_agent(ScriptedGenerator("No.")).respond(SAID)).reply == Reply("No.", "scripted")
    goes_on.set()
    assert (await slow).reply == Reply("Yes.", "scripted")


async def test_that_a_generator_that_breaks_off_while_it_is_held_leaves_nothing_to_discard():
    failing = ScriptedGenerator(["That hurts. You we", LLMUnreachableError("It is gone.")])
    events = await events_of(an_agent(failing, verifier=ScriptedVerifier(), fallback=offline("I am here.")))
    [noted] = [event for event in events if isinstance(event, FailureNoted)]
    assert not noted.discards
    assert shown(events) == ["I", " am", " here."]


async def test_that_a_generator_that_breaks_off_after_its_opening_has_it_discarded():
    failing = ScriptedGenerator(["That hurts. You were close. He", LLMUnreachableError("It is gone.")])
    events = await events_of(an_agent(failing, verifier=ScriptedVerifier(None), fallback=offline("I am here.")))
    [noted] = [event for event in events if isinstance(event, FailureNoted)]
    assert noted.discards
    assert finished_turn(events).reply == Reply("I am here.", "offline", stood_in_for="scripted")


async def test_that_a_generator_that_fails_on_its_second_draft_is_stood_in_for():
    failing = ScriptedGenerator(LONG, [LLMUnreachableError("It is gone.")])
    turn = await an_agent(failing, verifier=ScriptedVerifier(PLAN), fallback=offline("I am here.")).respond(SAID)
    assert turn.reply == Reply("I am here.", "offline", stood_in_for="scripted")
    assert turn.objections == (PLAN,)


@pytest.mark.parametrize("pieces", [("",), (" \n",), ()])
async def test_that_a_reply_of_nothing_is_stood_in_for_unchecked(pieces: tuple[str, ...]):
    verifier = ScriptedVerifier()
    turn = await an_agent(ScriptedGenerator(pieces), verifier=verifier, fallback=offline("I am here.")).respond(
        SAID
    )
    assert turn.reply == Reply("I am here.", "offline", stood_in_for="scripted")
    assert [failure.message for failure in turn.failures] == ["Generator 'scripted' gave an empty reply."]
    verifier.verify()


async def test_that_a_generator_that_ends_without_a_reply_is_stood_in_for_here_too():
    verifier = ScriptedVerifier()
    turn = await an_agent(Speechless("I he"), verifier=verifier, fallback=offline("I am here.")).respond(SAID)
    assert [failure.message for failure in turn.failures] == ["Generator 'speechless' ended without a reply."]
    verifier.verify()


async def test_that_a_reply_that_comes_without_pieces_is_checked_as_well():
    class AtOnce(ScriptedGenerator):
        async def generate(self, turn: Turn) -> AsyncGenerator[str | Reply]:
            async for piece in super().generate(turn):
                if isinstance(piece, Reply):
                    yield piece

    verifier = ScriptedVerifier(WORSE, None, None)
    turn = await an_agent(AtOnce(LONG, OTHER), verifier=verifier).respond(SAID)
    assert turn.reply == Reply(OTHER, "scripted")
    verifier.verify()


async def test_that_a_composer_that_fails_the_second_time_leaves_the_prompt_that_was_sent():
    class Once(PlainComposer):
        composed = 0

        def compose(self, turn: Turn) -> Prompt:
            self.composed += 1
            return super().compose(turn) if self.composed == 1 else Quotes().fail(turn)

    generator = ScriptedGenerator(LONG, OTHER, reads=["prompt"])
    events = await events_of(an_agent(generator, composer=Once(), verifier=ScriptedVerifier(PLAN, None, None)))
    turn = finished_turn(events)
    assert turn.reply == Reply(OTHER, "scripted")
    assert turn.prompt is not None
    assert turn.prompt == generator.turns[1].prompt
    assert turn.failures == (StageFailure("compose", "plain", "ValueError"),)
    assert FailureNoted(turn.failures[0]) in events


async def test_that_what_the_fallback_says_is_not_checked():
    verifier, fallback = ScriptedVerifier(), offline("I am here. I am. Yes.")
    failing = ScriptedGenerator([LLMUnreachableError("It is gone.")])
    await an_agent(failing, verifier=verifier, fallback=fallback).respond(SAID)
    verifier.verify()
    fallback.verify()


async def test_that_the_careful_reply_is_not_checked():
    verifier, fallback = ScriptedVerifier(), offline("I am here.")
    agent = an_agent(
        ScriptedGenerator(),
        plugins=[FixedPlugin("risk", RiskReading("plan"))],
        guard=ScriptedGuard(),
        composer=PlainComposer(),
        verifier=verifier,
        fallback=fallback,
    )
    assert (await agent.respond(SAID)).reply == Reply("I am here.", "offline")
    verifier.verify()


@pytest.mark.parametrize("answers", [[None], [PLAN, None], [SAFETY, SAFETY], [ValueError()]])
async def test_that_the_delay_of_the_first_words_is_timed_once(answers: list[Any]):
    agent = an_agent(
        ScriptedGenerator("Yes.", "No."), verifier=ScriptedVerifier(*answers), fallback=offline("So.")
    )
    timings = [timing for timing in (await agent.respond(SAID)).timings if timing.stage == "verify"]
    assert [timing.milliseconds >= 0 for timing in timings] == [True]


async def test_that_without_a_verifier_nothing_is_held_and_nothing_timed():
    events = await events_of(an_agent(ScriptedGenerator(["That", " hurts. You", " w"])))
    assert shown(events) == ["That", " hurts. You", " w"]
    assert "verify" not in [timing.stage for timing in finished_turn(events).timings]


async def test_that_terminal_escapes_are_taken_out_before_a_draft_is_looked_at():
    verifier = ScriptedVerifier(None)
    turn = await an_agent(ScriptedGenerator(["\x1b[2JI he", "ar\x00 \u202eyou."]), verifier=verifier).respond(SAID)
    assert turn.reply == Reply("[2JI hear you.", "scripted")
    assert verifier.seen == [("[2JI hear you.", True)]


async def test_that_a_dropped_draft_s_connection_is_closed_and_the_prompt_is_what_the_server_received_last():
    with FakeLLMServer(says("That is bad. So bad. And", WAIT), says("I am so sorry.")) as server:
        agent = an_agent(
            create(server.settings(llm_model="tiny")),
            composer=MindfulComposer(),
            verifier=ScriptedVerifier(PLAN, None),
        )
        turn = await agent.respond(SAID)
        assert server.client_left.wait(10)
    assert turn.reply is not None
    assert (turn.reply.text, turn.reply.finish_reason) == ("I am so sorry.", "stop")
    assert turn.prompt is not None
    assert server.requests[-1].body["messages"] == [
        {"role": message.role, "content": message.content} for message in turn.prompt.messages
    ]
    assert len(server.requests[0].body["messages"]) == len(turn.prompt.messages) - 1


async def test_that_a_cut_reply_closes_the_connection():
    with FakeLLMServer(says("I am so sorry. He was family. You are to blame. And", WAIT)) as server:
        agent = an_agent(
            create(server.settings(llm_model="tiny")),
            composer=PlainComposer(),
            verifier=ScriptedVerifier(None, WORSE),
        )
        turn = await agent.respond(SAID)
        assert server.client_left.wait(10)
    assert turn.reply is not None
    assert (turn.reply.text, turn.reply.finish_reason) == ("I am so sorry. He was family.", "cut")


def test_that_a_verifier_that_reads_what_nobody_writes_is_refused():
    with pytest.raises(WiringError, match="verifier 'scripted' reads `plan`"):
        an_agent(ScriptedGenerator(), verifier=ScriptedVerifier(reads=["plan"]))


class Forbids:
    """Objects to drafts in which a word stands."""

    name = "forbids"
    reads = frozenset({"text"})

    def __init__(self, words: dict[str, str]) -> None:
        self.words = words

    def check(self, turn: Turn, draft: str, *, whole: bool) -> Objection | None:
        return next((Objection(check, "Not so.") for word, check in self.words.items() if word in draft), None)


WORDS = st.lists(
    st.sampled_from(["so", "sad.", "bad.", "worse", "unsafe.", "Why?", "Dr.", "😊", "list:\n", "- tea\n"]),
    min_size=1,
    max_size=14,
).map(" ".join)
RULES = st.dictionaries(st.sampled_from(["bad", "worse", "unsafe"]), st.sampled_from(["plan", "worse", "safety"]))


def chopped(text: str, size: int) -> list[str]:
    return [text[place : place + size] for place in range(0, len(text), size)]


def after_discards(events: list[Event]) -> str:
    """What stands on the screen in the end."""
    screen = ""
    for event in events:
        match event:
            case Token(text):
                screen += text
            case FailureNoted(discards=True):
                screen = ""
    return screen


@given(WORDS, WORDS, st.integers(1, 12), RULES)
def test_that_what_is_shown_is_the_reply_and_what_is_dropped_is_never_shown(
    first: str, second: str, size: int, rules: dict[str, str]
):
    generator = ScriptedGenerator(chopped(first, size), chopped(second, size))
    agent = an_agent(generator, verifier=Forbids(rules), fallback=offline("I am here."))
    events = asyncio.run(events_of(agent))
    turn = finished_turn(events)
    assert turn.reply is not None
    assert after_discards(events) == turn.reply.text
    if turn.reply.speaker == "offline":
        assert turn.objections
        return
    draft = (first, second)[len(generator.turns) - 1]
    assert draft.startswith(turn.reply.text)
    assert (turn.reply.finish_reason == "cut") or turn.reply.text == draft
    found = Forbids(rules).check(turn, turn.reply.text, whole=True)
    assert found is None or (found in turn.objections and found.check != "safety")


@given(WORDS, st.integers(1, 12))
def test_that_a_verifier_that_finds_nothing_changes_nothing(text: str, size: int):
    async def reply(**parts: Any) -> tuple[str, Reply | None]:
        events = await events_of(an_agent(ScriptedGenerator(chopped(text, size)), **parts))
        return "".join(shown(events)), finished_turn(events).reply

    assert asyncio.run(reply(verifier=Forbids({}))) == asyncio.run(reply())
