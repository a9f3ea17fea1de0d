"""Asynchronous work for synchronous callers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextvars import ContextVar

import pytest

from agent.in_sync import each_of, result_of

WHO: ContextVar[str] = ContextVar("who", default="nobody")


async def answer() -> str:
    await asyncio.sleep(0)
    return WHO.get()


async def fails() -> str:
    raise LookupError("no")


def test_that_a_result_comes_with_and_without_a_running_loop():
    WHO.set("me")
    assert result_of(answer) == "me"

    async def inside() -> str:
        return result_of(answer)

    assert asyncio.run(inside()) == "me"


def test_that_an_error_comes_with_and_without_a_running_loop():
    async def inside() -> str:
        return result_of(fails)

    with pytest.raises(LookupError):
        result_of(fails)
    with pytest.raises(LookupError):
        asyncio.run(inside())


def test_that_items_come_and_then_the_error():
    async def items() -> AsyncGenerator[int]:
        yield 1
        raise LookupError("no")

    came = each_of(items)
    assert next(came) == 1
    with pytest.raises(LookupError):
        next(came)


def test_that_leaving_early_cancels_and_waits():
    told: list[str] = []

    async def items() -> AsyncGenerator[int]:
        try:
            yield 1
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            told.append("let go")

    came = each_of(items)
    assert next(came) == 1
    came.close()  # type: ignore[attr-defined]
    assert told == ["let go"]
