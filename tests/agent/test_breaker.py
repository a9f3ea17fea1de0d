"""The circuit breaker: when an LLM server is left alone, and when it is tried again."""

from __future__ import annotations

import asyncio
import gc
import random
import time
from contextlib import suppress
from typing import Any

import pytest
from fake_llm_server import FakeLLMServer, answers, fails, hangs_up, says, stays_silent
from loop_parts import PlainComposer, an_agent, offline

from agent.asking import Asker
from agent.breaker import Breaker, BreakerLimits, breaker_of
from agent.decisions import PromptMessage
from agent.errors import (
    EmptyReplyError,
    GenerationError,
    LLMPausedError,
    LLMResponseError,
    LLMSlowError,
    LLMUnreachableError,
    PromptTooLongError,
)
from agent.generator import create
from agent.probe import LLMServer

NO_RETRY = {"x-should-retry": "false"}
PATIENT = BreakerLimits(failures=2, wait=60)
"""It stays open as long as a test takes, on a busy machine too."""


class Clock:
    """A clock that stands until it is told to go on."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def status(code: int) -> LLMResponseError:
    error = LLMResponseError(f"HTTP {code}")
    error.status = code
    return error


def a_breaker(clock: Clock, *, failures: int = 3, chance: float = 0.0) -> Breaker:
    return Breaker("http://llm/v1", BreakerLimits(failures=failures, wait=10), clock=clock, chance=lambda: chance)


def call(breaker: Breaker, error: BaseException | None = None) -> None:
    """One call that ends so; what it raises is swallowed, a refusal is not."""
    with suppress(type(error) if error is not None else ()), breaker.passing():
        if error is not None:
            raise error


GONE = [LLMUnreachableError("no"), TimeoutError(), status(500), status(503)]
THERE = [status(400), status(429), EmptyReplyError("empty"), PromptTooLongError("long"), LLMResponseError("odd")]


@pytest.mark.parametrize("error", GONE, ids=lambda error: f"{type(error).__name__}-{error}")
def test_that_it_opens_after_failures_that_say_that_the_server_is_gone(error: Exception):
    breaker = a_breaker(Clock())
    for _ in range(3):
        assert breaker.state == "closed"
        call(breaker, error)
    assert breaker.state == "open"
    with pytest.raises(LLMPausedError, match=r"http://llm/v1 failed 3 times in a row .* another 10 s"):
        call(breaker)


@pytest.mark.parametrize("error", THERE, ids=lambda error: f"{type(error).__name__}-{error}")
def test_that_any_answer_says_that_the_server_is_there(error: Exception):
    breaker = a_breaker(Clock())
    for _ in range(5):
        call(breaker, LLMUnreachableError("no"))
        call(breaker, LLMUnreachableError("no"))
        call(breaker, error)
    assert breaker.state == "closed"


def test_that_after_the_wait_one_call_is_tried_and_closes_it():
    clock = Clock()
    breaker = a_breaker(clock, failures=1)
    call(breaker, LLMUnreachableError("no"))
    clock.now += 9.9
    assert breaker.state == "open"
    clock.now += 0.2
    assert breaker.state == "half-open"
    with breaker.passing(), pytest.raises(LLMPausedError, match="while one call tries it"):
        call(breaker)
    assert breaker.state == "closed"
    call(breaker)


def test_that_a_try_that_fails_opens_it_for_another_wait():
    clock = Clock()
    breaker = a_breaker(clock)
    for _ in range(3):
        call(breaker, LLMUnreachableError("no"))
    clock.now += 10
    call(breaker, LLMUnreachableError("no"))
    assert breaker.state == "open"
    clock.now += 9
    assert breaker.state == "open"
    clock.now += 1
    assert breaker.state == "half-open"


def test_that_a_try_that_is_cancelled_leaves_the_next_one_to_be_tried():
    clock = Clock()
    breaker = a_breaker(clock, failures=1)
    call(breaker, LLMUnreachableError("no"))
    clock.now += 10
    call(breaker, asyncio.CancelledError())
    assert breaker.state == "half-open"
    call(breaker)
    assert breaker.state == "closed"


def test_that_cancelled_calls_say_nothing_of_the_server():
    breaker = a_breaker(Clock())
    for _ in range(2):
        call(breaker, LLMUnreachableError("no"))
        call(breaker, asyncio.CancelledError())
    assert breaker.state == "closed"
    call(breaker, LLMUnreachableError("no"))
    assert breaker.state == "open"


def test_that_the_first_piece_of_a_tried_reply_closes_it_before_the_reply_is_whole():
    clock = Clock()
    breaker = a_breaker(clock, failures=1)
    call(breaker, LLMUnreachableError("no"))
    clock.now += 10
    with breaker.passing() as answered:
        answered()
        assert breaker.state == "closed"
        call(breaker)


def test_that_calls_of_before_it_opened_neither_close_it_nor_lengthen_its_wait():
    clock = Clock()
    breaker = a_breaker(clock, failures=1)
    with breaker.passing() as answered:
        call(breaker, LLMUnreachableError("no"))
        answered()
        assert breaker.state == "open"
        clock.now += 9
    assert breaker.state == "open"
    clock.now += 1
    assert breaker.state == "half-open"


def test_that_the_wait_is_longer_by_chance_up_to_a_half():
    for chance, wait in ((0.0, 10.0), (0.5, 12.5), (0.99, 14.95)):
        clock = Clock()
        breaker = a_breaker(clock, failures=1, chance=chance)
        call(breaker, LLMUnreachableError("no"))
        clock.now += wait - 0.01
        assert breaker.state == "open"
        clock.now += 0.02
        assert breaker.state == "half-open"


def test_that_random_calls_keep_to_the_rules():
    for seed in range(200):
        draw = random.Random(seed)
        clock = Clock()
        breaker = a_breaker(clock, failures=2)
        row, until = 0, None
        for _ in range(60):
            clock.now += draw.choice([0, 1, 6])
            failed = draw.random() < 0.6
            if until is not None and clock.now < until:
                with pytest.raises(LLMPausedError):
                    call(breaker)
                continue
            call(breaker, status(502) if failed else None)
            row = row + 1 if failed else 0
            until = clock.now + 10 if failed and (until is not None or row >= 2) else None
            assert (breaker.state == "open") == (until is not None)


def test_that_those_who_ask_one_server_share_a_breaker_as_long_as_anybody_does():
    one, other = LLMServer("http://user:pass@llm.example/v1/"), LLMServer("http://llm.example/v1", api_key="k")
    assert one.breaker is other.breaker
    assert LLMServer("http://llm.example:8000/v1").breaker is not one.breaker
    assert LLMServer("http://llm.example/v1", limits=PATIENT).breaker is not one.breaker
    for _ in range(5):
        call(one.breaker, LLMUnreachableError("no"))
    assert other.breaker.state == "open"
    del one, other
    gc.collect()
    assert breaker_of("http://llm.example/v1", BreakerLimits()).state == "closed"


@pytest.mark.parametrize(
    "step", [hangs_up(), fails(503, headers=NO_RETRY), stays_silent()], ids=["hangs-up", "503", "silent"]
)
async def test_that_while_the_llm_is_gone_the_fallback_answers_at_once_and_the_failure_names_it(step: Any):
    with FakeLLMServer(step, step, says("I am back.")) as llm:
        made = create(llm.settings(llm_breaker=PATIENT, llm_timeout=1.0))
        agent = an_agent(made, fallback=offline(*["Take care."] * 3), composer=PlainComposer())
        for _ in range(2):
            turn = await agent.respond("Hello.")
            assert turn.reply is not None
            assert turn.reply.stood_in_for == "openai"
        turn = await agent.respond("Hello.")
        assert turn.reply is not None
        assert turn.reply.text == "Take care."
        assert [failure.error for failure in turn.failures] == ["LLMPausedError"]
        assert "left alone" in turn.failures[0].message
        assert len(llm.requests) == 2
        _much_later(made)
        back = await agent.respond("Hello.")
        assert back.reply is not None
        assert (back.reply.text, back.reply.stood_in_for) == ("I am back.", None)


def _much_later(generator: Any) -> None:
    breaker = generator._server.breaker
    breaker._clock = lambda: time.monotonic() + 3_600
    assert breaker.state == "half-open"


async def test_that_requests_refused_by_the_llm_and_empty_replies_do_not_open_it():
    steps = [fails(400), fails(400), says(""), says("I hear you.")]  # it is asked twice where counts are refused
    with FakeLLMServer(*steps) as llm:
        made = create(llm.settings(llm_breaker=BreakerLimits(failures=1)))
        agent = an_agent(made, fallback=offline(*["Take care."] * 2), composer=PlainComposer())
        for _ in range(2):
            await agent.respond("Hello.")
        turn = await agent.respond("Hello.")
        assert turn.reply is not None
        assert turn.reply.text == "I hear you."


async def test_that_short_questions_and_replies_share_it():
    question = [PromptMessage("user", "A or B?")]
    with FakeLLMServer(hangs_up(), hangs_up()) as llm:
        asker = Asker(LLMServer(llm.url, limits=PATIENT), model="tiny")
        made = create(llm.settings(llm_breaker=PATIENT))
        agent = an_agent(made, fallback=offline("Take care."), composer=PlainComposer())
        for _ in range(2):
            with pytest.raises(LLMUnreachableError):
                await asker.choose(question, ["A", "B"])
        with pytest.raises(LLMPausedError):
            await asker.choose(question, ["A", "B"])
        turn = await agent.respond("Hello.")
        assert [failure.error for failure in turn.failures] == ["LLMPausedError"]


async def test_that_a_server_too_slow_for_short_questions_is_still_asked_for_replies():
    question = [PromptMessage("user", "A or B?")]
    with FakeLLMServer(stays_silent(), stays_silent(), says("I hear you.")) as llm:
        asker = Asker(LLMServer(llm.url, limits=PATIENT), model="tiny", seconds=0.2)
        made = create(llm.settings(llm_breaker=PATIENT))
        agent = an_agent(made, fallback=offline(), composer=PlainComposer())
        for _ in range(2):
            with pytest.raises(LLMSlowError, match=r"short question within 0\.2 s"):
                await asker.choose(question, ["A", "B"])
        turn = await agent.respond("Hello.")
    assert turn.reply is not None
    assert turn.reply.text == "I hear you."


def test_that_a_question_too_slow_neither_closes_nor_opens_it():
    clock = Clock()
    breaker = a_breaker(clock, failures=2)
    call(breaker, LLMUnreachableError("no"))
    call(breaker, LLMSlowError("slow"))
    call(breaker, LLMUnreachableError("no"))
    assert breaker.state == "open"
    clock.now += 20
    call(breaker, LLMSlowError("slow"))
    assert breaker.state == "half-open"


async def test_that_a_server_left_alone_is_not_asked_for_its_context_either():
    with FakeLLMServer(hangs_up()) as llm:
        made = create(llm.settings(llm_breaker=BreakerLimits(failures=1), llm_context=None, llm_model="tiny"))
        with suppress(GenerationError), made._server.breaker.passing():
            raise LLMUnreachableError("no")
        assert await made.context_tokens() is None
        assert llm.requests == []
        llm._script.clear()


async def test_that_a_503_is_tried_again_when_its_retry_after_says_and_no_earlier():
    told = {"retry-after-ms": "", "retry-after": "0.3"}
    with FakeLLMServer(fails(503, headers=told), says("I hear you.")) as llm:
        agent = an_agent(create(llm.settings(llm_retries=2)), composer=PlainComposer())
        began = time.monotonic()
        turn = await agent.respond("Hello.")
        assert turn.reply is not None
        assert turn.reply.text == "I hear you."
        assert time.monotonic() - began >= 0.3
        assert len(llm.requests) == 2


async def test_that_a_retry_after_beyond_the_deadline_is_not_waited_for():
    told = {"retry-after-ms": "", "retry-after": "60"}
    with FakeLLMServer(fails(503, headers=told)) as llm:
        made = create(llm.settings(llm_retries=2, llm_deadline=0.2))
        agent = an_agent(made, fallback=offline("Take care."), composer=PlainComposer())
        began = time.monotonic()
        turn = await agent.respond("Hello.")
        assert turn.reply is not None
        assert turn.reply.text == "Take care."
        assert time.monotonic() - began < 10


async def test_that_nothing_tries_again_on_top_of_the_client():
    with FakeLLMServer(*[fails(503)] * 3) as llm:  # beyond three the double complains
        made = create(llm.settings(llm_retries=2, llm_breaker=PATIENT))
        agent = an_agent(made, fallback=offline("Take care."), composer=PlainComposer())
        await agent.respond("Hello.")
        assert len(llm.requests) == 3
        assert made._server.breaker.state == "closed"  # three tries are one call


async def test_that_a_short_question_is_asked_once():
    with FakeLLMServer(answers({}, status=503)) as llm:
        asker = Asker(LLMServer(llm.url, retries=2), model="tiny")
        with pytest.raises(LLMResponseError):
            await asker.choose([PromptMessage("user", "A or B?")], ["A", "B"])
        assert len(llm.requests) == 1
