"""`Idempotency-Key`: a message that is sent again because no answer came is answered once.

After the IETF's draft (draft-ietf-httpapi-idempotency-key-header): 422 where a key comes with something else, 409
where the first request still runs. A client that gives a key says that it will come back. So a turn with a key
goes on when the client leaves, and its reply waits in the store.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Annotated, Any, TypeVar

from pydantic import StringConstraints

from agent.errors import RequestReusedError
from agent.protocols import Recalled
from agent.repeats import RepeatStore, Request, same_request
from agent.turn import Turn
from ui.http.schemas import ChatRequest

__all__ = [
    "REPLAYED",
    "IdempotencyKey",
    "Keyed",
    "begun_by",
    "detached",
    "request_named",
    "whole_answer",
    "words_named",
]

REPLAYED = {"Idempotency-Replayed": "true"}

IdempotencyKey = Annotated[str, StringConstraints(pattern=r"^[\x21-\x7e]{1,255}$")]
"""As clients choose it; with or without the quotes that the draft asks for."""

ItemT = TypeVar("ItemT")

_HOW_IT_IS_TOLD: Any = {
    "stream": True,
    "stream_options": True,
    "heartline": {"conversation_id", "events"},
    "messages": {"__all__": {"heartline"}},
}
"""Fields that change how an answer is sent, not what it says; and the conversation, which is known otherwise."""


def request_named(key: str, body: ChatRequest) -> Request:
    """The request, known by its key and by all that it asks for."""
    return Request.named(
        _bare(key), body.model_dump_json(exclude=_HOW_IT_IS_TOLD).encode("utf-8", "surrogatepass")
    )


def words_named(key: str, by: str, words: str) -> Request:
    """What somebody says in a conversation that they took over, known by the key and by all of it."""
    return Request.named(_bare(key), json.dumps([by, words]).encode())


def begun_by(key: str) -> str:
    """Id of the conversation that a request begins: the same when it comes again."""
    return hashlib.sha256(f"new\n{_bare(key)}".encode()).hexdigest()[:32]


def _bare(key: str) -> str:
    return key[1:-1] if len(key) > 1 and key[0] == key[-1] == '"' else key


def whole_answer(store: RepeatStore, conversation_id: str, request: Request, *, begins: bool) -> Turn | None:
    """The turn that a request led to, where it came to its end; None where it is to be answered.

    Args:
        store: Knows what it led to.
        conversation_id: Which conversation.
        request: The request.
        begins: It began the conversation.

    Raises:
        RequestReusedError: The key was used for another request, or began a conversation more than a day ago.
        StoreError: The store cannot be read.
    """
    found = store.answered(conversation_id, request.key)
    if found is None:
        if begins and store.recall(conversation_id, turns=0).turns:
            raise RequestReusedError("The key of the request began a conversation more than a day ago.")
        return None
    same_request(found.request.body, request)
    reply = found.turn.reply
    # What was broken off, by an end of the server say, is answered anew.
    return found.turn if reply is not None and reply.finish_reason != "interrupted" else None


class Keyed:
    """What a turn needs of a store, which keeps the request together with it.

    Args:
        store: Keeps the conversation.
        request: The request.
    """

    def __init__(self, store: RepeatStore, request: Request) -> None:
        self.name = store.name
        self._store, self._request = store, request

    def recall(self, conversation_id: str, *, turns: int) -> Recalled:
        """See `ConversationStore`."""
        return self._store.recall(conversation_id, turns=turns)

    def append(self, turn: Turn) -> Turn:
        """See `ConversationStore`."""
        return self._store.append(turn, request=self._request)


async def detached(events: AsyncGenerator[ItemT], running: set[asyncio.Task[Any] | None]) -> AsyncGenerator[ItemT]:
    """The events of a turn that goes on when nobody listens any more.

    Args:
        events: Of the turn.
        running: What a server that stops waits for.
    """
    told: asyncio.Queue[tuple[ItemT | None, BaseException | None]] = asyncio.Queue()

    async def tell() -> None:
        try:
            async with aclosing(events):
                async for event in events:
                    told.put_nowait((event, None))
            told.put_nowait((None, None))
        except BaseException as error:
            told.put_nowait((None, error))
            if not isinstance(error, Exception):
                raise

    task = asyncio.create_task(tell())
    running.add(task)
    task.add_done_callback(running.discard)
    while True:
        event, error = await told.get()
        if error is not None:
            raise error
        if event is None:
            return
        yield event
