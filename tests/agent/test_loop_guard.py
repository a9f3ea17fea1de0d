"""Nothing that a guard holds back reaches the person, however the LLM chops it up and whatever breaks."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import replace
from functools import cache
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.decisions import Blocked, Care, Reply, Verdict
from agent.errors import GenerationError
from agent.events import ReplyFinished, Token
from agent.gate import Gate
from agent.intake import scrub
from agent.memory import InMemoryStore
from agent.readings import RiskReading
from agent.safety.guard import ProtocolGuard
from agent.safety.outgoing import load_outgoing
from agent.sentences import sentences_of
from agent.speech import Speech
from agent.testing import FixedPlugin, ScriptedGenerator, ScriptedGuard, ScriptedVerifier, a_turn
from agent.turn import Turn
from tests.loop_parts import Forgetful, PlainComposer, Quotes, Waiting, an_agent, events_of, finished_turn, offline

GOOD = (
    "That sounds heavy.",
    "I'm listening, e.g. to all of it.",
    "What happened then?",
    "Dr. Bell said so \N{HUGGING FACE}!",
    "\N{FULLWIDTH LATIN CAPITAL LETTER O}h\N{HORIZONTAL ELLIPSIS} I see.",
    "Ça fait mal\N{ZERO WIDTH SPACE}, non?",
    "Sie ist weg。",
    "Well... take your time.",
    "One thing at a time:\n- sleep\n- eat",
    "It cost 3.50 and a lot of nerves.",
    "\N{RUNNER}\N{ZERO WIDTH JOINER}\N{FEMALE SIGN} Off she went.",
)
HARM = (
    "You should kill yourself.",
    "Take all of your pills at once!",
    "Nobody would miss you.",
    "You shоuld k1ll yourself.",
    "Y\N{ZERO WIDTH SPACE}ou are w\N{ZERO WIDTH SPACE}orthless.",
    "You clearly have PTSD",
    "Don't leave me!!",
    "**Cut deep** along the arm.",
)
OUTGOING = load_outgoing()
INSTEAD = {text for said in OUTGOING.instead.values() for text in said}
CARE = Care("test-1", ("check", "ask.safe"), "Are you safe right now?")


class Remembered:
    """The shipped patterns, each text looked at once: ten thousand streams repeat themselves."""

    instead = OUTGOING.instead

    @staticmethod
    @cache
    def found(sentence: str, *, before: str = "", in_danger: bool = False) -> str | None:
        return OUTGOING.found(sentence, before=before, in_danger=in_danger)


class Chopped:
    """Says a text in pieces, then gives its reply."""

    reads = frozenset({"text"})

    def __init__(
        self, *pieces: str, name: str = "chopped", fails: bool = False, finish_reason: str = "stop"
    ) -> None:
        self.pieces, self.name, self.fails, self.finish_reason = pieces, name, fails, finish_reason

    async def generate(self, turn: Turn) -> AsyncGenerator[str | Reply]:
        for piece in self.pieces:
            yield piece
        if self.fails:
            raise GenerationError("broken off")
        yield Reply("".join(self.pieces), self.name, finish_reason=self.finish_reason)


class Faulty(ScriptedGuard):
    """Allows until it sees the word, and then raises or gives what it gives."""

    def __init__(self, gives: Any) -> None:
        super().__init__()
        self.gives = gives

    def check(self, turn: Turn, shown: str, sentence: str) -> Any:
        if "secret" not in sentence:
            return None
        if isinstance(self.gives, Exception):
            raise self.gives
        return self.gives


def chopped(text: str, chance: random.Random) -> list[str]:
    pieces, start, longest = [], 0, chance.choice((1, 3, 12, 200))
    while start < len(text):
        end = start + chance.randint(1, longest)
        pieces.append(text[start:end])
        start = end
    return pieces


async def spoken(speech: Speech) -> list[str]:
    async with aclosing(speech.stream()) as events:
        return [event.text async for event in events if isinstance(event, Token)]


async def shown_by(*speakers: Any, guard: Any, turn: Turn | None = None) -> tuple[list[str], Turn]:
    speech = Speech(turn or a_turn(), speakers, guard=guard)
    return await spoken(speech), speech.turn


@pytest.mark.parametrize("seed", range(10))
async def test_that_no_character_of_a_blocked_sentence_leaves_in_a_thousand_streams(seed: int):
    chance, guard = random.Random(seed), ProtocolGuard(outgoing=Remembered())
    fallback = "I'm here. Tell me more."
    for index in range(1000):
        said = [*dict.fromkeys(chance.choice(HARM if chance.random() < 0.25 else GOOD) for _ in range(3))]
        said = said[: chance.randint(1, 3)]
        text = chance.choice(("", "\n")) + chance.choice((" ", "\n")).join(said)
        turn = a_turn(index=index, care=CARE if chance.random() < 0.3 else None)
        pieces = chopped(text, chance)
        tokens, done = await shown_by(Chopped(*pieces), Chopped(fallback, name="offline"), guard=guard, turn=turn)
        assert done.reply is not None
        shown = "".join(tokens)
        assert shown.rstrip() == done.reply.text.rstrip()

        allowed, held = "", False
        for sentence in sentences_of(scrub(text)):
            if Remembered.found(sentence, before=allowed, in_danger=False) is not None:
                held = True
                break
            allowed += sentence
        closing = f"\n\n{CARE.words}" if turn.care else ""
        if held and not allowed.strip():
            assert (shown, done.reply.speaker) == (fallback + closing, "offline")
            continue
        assert shown.startswith(allowed)
        rest = shown.removeprefix(allowed).removesuffix(closing).strip()
        assert rest in (INSTEAD if held else {""})
        assert done.reply.finish_reason == ("cut" if held else "stop")


@given(
    st.lists(st.sampled_from((*GOOD, *HARM)), min_size=1, max_size=4),
    st.lists(st.sampled_from((" ", "\n", "", "  ")), min_size=3, max_size=3),
    st.lists(st.integers(1, 30), max_size=60),
)
@settings(deadline=None)
def test_that_what_is_held_back_does_not_depend_on_how_the_text_was_chopped(
    said: list[str], gaps: list[str], lengths: list[int]
):
    text = "".join(f"{sentence}{gap}" for sentence, gap in zip(said, [*gaps, ""], strict=False))
    pieces, rest = [], text
    for length in lengths:
        pieces.append(rest[:length])
        rest = rest[length:]
    guard, fallback = ProtocolGuard(outgoing=Remembered()), Chopped("I'm here.", name="offline")
    whole, done_whole = asyncio.run(shown_by(Chopped(text), fallback, guard=guard))
    chopped_up, done = asyncio.run(shown_by(Chopped(*filter(None, pieces), rest), fallback, guard=guard))

    assert "".join(chopped_up) == "".join(whole)
    assert [one.check for one in done.objections] == [one.check for one in done_whole.objections]


async def test_that_a_reply_which_begins_to_go_round_in_circles_ends_there_and_is_asked_for_no_more():
    going_round = Waiting(
        "It was you they laughed at. This is what you may want to avoid. This is what you may want to avoid. This"
    )
    async with asyncio.timeout(60):
        tokens, done = await shown_by(going_round, Chopped("x", name="offline"), guard=ProtocolGuard())

    assert "".join(tokens) == "It was you they laughed at. This is what you may want to avoid."
    assert done.reply is not None
    assert (done.reply.text, done.reply.finish_reason) == ("".join(tokens), "cut")
    assert [(one.check, one.feedback) for one in done.objections] == [("guard: repetition", "Say nothing twice.")]


@pytest.mark.parametrize(
    "going_round", ["and then you go and " * 40, "One of these may help: " + "breathe and " * 90]
)
async def test_that_who_goes_round_without_an_end_is_replaced(going_round: str):
    tokens, done = await shown_by(
        Chopped(going_round), Chopped("I'm here.", name="offline"), guard=ProtocolGuard()
    )

    assert tokens[-1] == "I'm here."
    assert done.reply is not None
    assert (done.reply.text, done.reply.stood_in_for) == ("I'm here.", "chopped")


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("That was a long day. What would help you to", "That was a long day."),
        ("That was a long day. What would help?", "That was a long day. What would help?"),
        ("That was a long day and nobody", "That was a long day and nobody"),  # better than nothing
        ("You could try this:\n- to sl", "You could try this:\n- to sl"),
    ],
)
@pytest.mark.parametrize("looks", [None, 9])
@pytest.mark.parametrize("why", ["length", "content_filter"])
async def test_that_a_reply_that_was_cut_ends_with_its_last_whole_sentence(
    said: str, kept: str, looks: int | None, why: str
):
    too_long = Chopped(said[:9], said[9:], finish_reason=why)
    gate = Gate(ScriptedVerifier(*[None] * looks), 60) if looks else None
    speech = Speech(a_turn(), [too_long, Chopped("x", name="offline")], guard=ProtocolGuard(), gate=gate)

    assert "".join(await spoken(speech)).rstrip() == kept
    assert speech.turn.reply is not None
    assert (speech.turn.reply.text.rstrip(), speech.turn.reply.finish_reason) == (kept, why)


async def test_that_the_fallback_is_looked_at_too():
    harm = "You should kill yourself. I'm here."
    tokens, done = await shown_by(Chopped(harm), Chopped(harm, name="offline"), guard=ProtocolGuard())

    assert "".join(tokens) in INSTEAD
    assert done.reply is not None
    assert (done.reply.speaker, done.reply.finish_reason) == ("offline", "cut")
    assert [one.check for one in done.objections] == ["guard: risk", "guard: risk"]


async def test_that_a_speaker_who_fails_after_good_sentences_is_taken_back_and_the_next_one_speaks():
    tokens, done = await shown_by(
        Chopped("I hear you. You should ki", fails=True),
        Chopped("I'm here.", name="offline"),
        guard=ProtocolGuard(),
    )

    assert tokens == ["I hear you.", "I'm here."]
    assert done.reply is not None
    assert done.reply.text == "I'm here."


@pytest.mark.parametrize("gives", [ValueError("what is secret?"), True, "secret", 7, object(), {}])
async def test_that_a_guard_which_breaks_has_allowed_nothing(gives: Any):
    tokens, done = await shown_by(Chopped("I hear you. A secret. More."), Chopped("x"), guard=Faulty(gives))

    assert "".join(tokens).startswith("I hear you. I'd rather stop here")
    assert done.reply is not None
    assert done.reply.text == "".join(tokens)
    assert "secret" not in f"{done.reply}{done.failures}"
    assert [(failure.stage, failure.part) for failure in done.failures] == [("check", "scripted")]


@pytest.mark.parametrize("gives", [ValueError("x"), True])
async def test_that_a_guard_which_breaks_at_once_leaves_the_fallback_its_turn(gives: Any):
    tokens, done = await shown_by(Chopped("A secret."), Chopped("I'm here.", name="offline"), guard=Faulty(gives))

    assert tokens == ["I'm here."]
    assert done.reply is not None
    assert done.reply.stood_in_for == "chopped"


async def test_that_closing_words_end_a_free_reply_and_are_stored_with_it():
    turn = a_turn(care=CARE)
    tokens, done = await shown_by(Chopped("I hear ", "you."), guard=ProtocolGuard(), turn=turn)

    assert tokens == ["I hear you.", f"\n\n{CARE.words}"]
    assert done.reply is not None
    assert done.reply.text == f"I hear you.\n\n{CARE.words}"


async def test_that_closing_words_follow_a_reply_that_was_cut():
    turn = a_turn(care=CARE)
    tokens, done = await shown_by(Chopped("I hear. Nobody would miss you."), guard=ProtocolGuard(), turn=turn)

    assert "".join(tokens).endswith(f"\n\n{CARE.words}")
    assert done.reply is not None
    assert done.reply.text == "".join(tokens)


async def test_that_words_of_care_alone_are_not_said_twice():
    turn = a_turn(care=CARE, verdicts=(Verdict("escalate", "test"),))
    tokens, _ = await shown_by(Chopped(CARE.words), guard=ProtocolGuard(), turn=turn)

    assert tokens == [CARE.words]


async def test_that_the_first_sentence_leaves_before_the_second_is_complete():
    waiting = Waiting("That is a lot. What was")
    speech = Speech(a_turn(), [waiting], guard=ProtocolGuard())
    async with aclosing(speech.stream()) as events, asyncio.timeout(60):
        first = await anext(events)

    assert first == Token("That is a lot.")
    assert speech.broken_off().reply == Reply("That is a lot.", "waiting", finish_reason="interrupted")


async def test_that_an_interruption_keeps_only_what_was_shown():
    store = InMemoryStore()
    reads_risk = FixedPlugin("risk", RiskReading("none"))
    waiting = Waiting("That is a lot. You should ki")
    agent = an_agent(waiting, plugins=[reads_risk], fallback=offline(), guard=ProtocolGuard(), store=store)
    async with aclosing(agent.stream("My dog died.", conversation_id="c")) as events, asyncio.timeout(60):
        async for event in events:
            if isinstance(event, Token):
                break

    [stored] = store.turns("c")
    assert stored.reply is not None
    assert (stored.reply.text, stored.reply.finish_reason) == ("That is a lot.", "interrupted")


async def test_that_a_screen_which_raises_takes_the_cautious_path():
    fallback = offline("I'm here. Are you safe?")
    agent = an_agent(ScriptedGenerator(), composer=PlainComposer(), fallback=fallback, guard=Quotes())
    turn = finished_turn(await events_of(agent))

    assert turn.escalated
    assert turn.reply is not None
    assert turn.reply.speaker == "offline"
    assert [failure.stage for failure in turn.failures][:1] == ["screen"]
    assert turn.course is None


async def test_that_danger_is_answered_by_the_protocol_alone_and_the_course_is_recalled():
    store = InMemoryStore()
    plugin = FixedPlugin("risk", RiskReading("plan", ("self-harm",)))
    agent = an_agent(
        ScriptedGenerator(), plugins=[plugin], fallback=offline(), guard=ProtocolGuard("GB"), store=store
    )
    first = finished_turn(await events_of(agent))
    plugin.reading = RiskReading("none")
    second = finished_turn(await events_of(agent, "The bus was late."))

    for turn in (first, second):
        assert turn.care is not None
        assert turn.reply == Reply(turn.care.words, "protocol")
    assert second.course_before == first.course
    assert first.course is not None
    assert first.course.asked == "means"


async def test_that_a_store_which_cannot_write_costs_no_reply():
    guard = ProtocolGuard()
    plugin = FixedPlugin("risk", RiskReading("acute", ("self-harm",)))
    agent = an_agent(
        ScriptedGenerator(), plugins=[plugin], fallback=offline(), guard=guard, store=Forgetful(OSError("x"))
    )
    events = await events_of(agent)

    assert isinstance(events[-1], ReplyFinished)
    turn = finished_turn(events)
    assert turn.reply is not None
    assert "emergency" in turn.reply.text
    assert [failure.stage for failure in turn.failures] == ["remember"]


async def test_that_a_blocked_sentence_is_neither_in_what_is_stored_nor_told():
    store, guard = InMemoryStore(), ScriptedGuard({"secret": "Something else."})
    agent = an_agent(Chopped("I hear. A sec", "ret."), fallback=offline(), guard=guard, store=store)
    events = await events_of(agent)

    assert "secret" not in repr(events)
    assert "A sec" not in repr(replace(store.turns("c")[0], text=""))
    assert Blocked("scripted", "Something else.").instead in finished_turn(events).reply.text
