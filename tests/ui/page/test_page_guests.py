"""Several visitors at once, each with a connection of their own, and no browser."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

import httpx2
import pytest

from agent.decisions import Reply
from agent.memory_sqlite import SQLiteStore
from agent.settings import load_settings
from tests.loop_parts import an_agent
from ui.page.desk import Desk
from ui.page.driving import running_page
from ui.page.guest import Guest, PageError
from ui.page.visitor import Visitor

GUESTS, MESSAGES = 5, 3


class Echo:
    """Says back what was said, in two pieces, once enough others wait for theirs."""

    name = "echo"
    reads: frozenset[str] = frozenset()

    def __init__(self, together: int = 1) -> None:
        self._together = asyncio.Barrier(together)

    async def generate(self, turn: Any) -> AsyncGenerator[str | Reply]:
        if turn.text.startswith("Guest"):  # else it is the server, which answers once for nobody
            async with asyncio.timeout(120):
                await self._together.wait()
        yield "You said: "
        await asyncio.sleep(0)
        yield f"{turn.text}."
        yield Reply(f"You said: {turn.text}.", self.name)


def _http(address: str) -> httpx2.AsyncClient:
    return httpx2.AsyncClient(base_url=f"{address}/en/", timeout=120, trust_env=False)


async def test_that_several_who_chat_at_once_are_all_answered_and_nobody_with_anothers_words(tmp_path):
    store = SQLiteStore(tmp_path / "talks.db")
    desk = Desk(an_agent(Echo(GUESTS), store=store), load_settings(store="memory"))
    with running_page(desk) as address:
        async with _http(address) as http:
            guests = [await Guest.come(http) for _ in range(GUESTS)]

            async def chats(number: int) -> list[str]:
                return [
                    (await guests[number].say(f"Guest {number} says {place}")).talk for place in range(MESSAGES)
                ]

            seen = await asyncio.gather(*map(chats, range(GUESTS)))
        kept = {guest.visitor.mark: store.conversations(beginning=guest.visitor.mark) for guest in guests}
        told = {
            number: [turn.reply.text for turn in store.turns(kept[guest.visitor.mark][0])]
            for number, guest in enumerate(guests)
        }
    assert [len(each) for each in kept.values()] == [1] * GUESTS
    for number in range(GUESTS):
        assert told[number] == [f"You said: Guest {number} says {place}." for place in range(MESSAGES)]
        last = seen[number][-1]
        assert [f"You said: Guest {number} says {place}." in last for place in range(MESSAGES)] == [
            True
        ] * MESSAGES
        assert all(f"Guest {other} says" not in last for other in range(GUESTS) if other != number)


async def test_that_a_guest_tells_what_the_page_refuses():
    desk = Desk(an_agent(Echo(), max_message_characters=10), load_settings(store="memory"))
    with running_page(desk) as address:
        async with _http(address) as http:
            guest = await Guest.come(http)
            with pytest.raises(PageError, match="without a reply"):
                await guest.say("x" * 11)
            assert "hello" in (await guest.say("hello")).talk
            guest.visitor = Visitor.new()
            assert "You said: again" in (await guest.say("again")).talk
