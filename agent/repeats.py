"""Requests that may come twice: a client that got no answer sends its message again under the same key.

What a key led to is kept beside the turn, in the transaction that stores it, so that a crash leaves both or
neither. It is erased with the conversation. Neither the key nor the message can be read out of what is kept: the
key is hashed, and what was asked is hashed with the key.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

from agent.errors import RequestReusedError
from agent.protocols import ConversationStore
from agent.turn import Turn

__all__ = ["KEPT", "Answered", "RepeatStore", "Request", "same_request"]

KEPT = timedelta(hours=24)
"""How long a key stands for the turn that it led to."""


@dataclass(frozen=True, slots=True)
class Request:
    """A request that has a key.

    Attributes:
        key: SHA-256 of what the client calls it, in hex.
        body: What is asked, hashed with the client's key as the secret: who has the database and guesses the
            message still cannot tell.
    """

    key: str
    body: str

    @classmethod
    def named(cls, key: str, body: bytes) -> Request:
        """The request that a client calls `key`, with what it asks."""
        secret = key.encode("utf-8", "surrogatepass")
        return cls(hashlib.sha256(secret).hexdigest(), hmac.new(secret, body, hashlib.sha256).hexdigest())


@dataclass(frozen=True, slots=True)
class Answered:
    """What became of a request.

    Attributes:
        request: As it came then.
        turn: That it led to. Of its context (history, what was known before) it may hold nothing.
    """

    request: Request
    turn: Turn


def same_request(known: str, request: Request) -> bool:
    """True: a request that comes again.

    Args:
        known: `Request.body` of the one that had its key before.
        request: That came now.

    Raises:
        RequestReusedError: It asks for something else.
    """
    if known != request.body:
        raise RequestReusedError("The key of the request was used for another one. Take a new key for each.")
    return True


class RepeatStore(ConversationStore, Protocol):
    """A store that knows requests by their key. Ours are."""

    def append(self, turn: Turn, *, request: Request | None = None) -> Turn:
        """See `ConversationStore`. The request, where there is one, is stored with the turn or not at all."""
        ...

    def answered(self, conversation_id: str, key: str) -> Answered | None:
        """What a request of the last 24 hours led to; None where none has this key.

        Args:
            conversation_id: Which conversation.
            key: `Request.key`.
        """
        ...
