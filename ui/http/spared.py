"""Who is answered whatever the limits of a key and however many wait, and what everybody else is told."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import TYPE_CHECKING

from agent.protocols import Recalled
from agent.safety.answered import speaks_of_death
from ui.http.admission import OnRecord
from ui.http.history import text_of
from ui.http.profiles import Profile, Service
from ui.http.schemas import ChatRequest
from ui.http.tenancy import Tenant

if TYPE_CHECKING:
    from ui.http.turns import Asked

__all__ = ["danger_on_record", "help_lines_of", "in_danger"]

_MOST_LOOKED_AT = 32
_MOST_CHARACTERS = 20_000
_MOST_LINES = 3


async def in_danger(request: ChatRequest, header: str | None, service: Service, tenant: Tenant) -> bool:
    """Whether somebody is or was in danger, as far as that is known without a reader: as `agent.limits` looks.

    Args:
        request: One of the newest 32 messages of the user holds plain words of suicide,
        header: or the conversation that it or `X-Heartline-Conversation` names has danger on record.
        service: Has the store.
        tenant: Whose conversation it is.

    Raises:
        HeartlineError: The store cannot be read.
        ApiError: A message is no text.
    """
    users = [(place, message) for place, message in enumerate(request.messages) if message.role == "user"]
    texts = [text_of(message, place) for place, message in users[-_MOST_LOOKED_AT:]]
    named = request.heartline.conversation_id or header

    def look() -> bool:
        if _of_death(texts):
            return True
        return named not in {None, "new"} and _danger_in(service.store_of(tenant).recall(str(named), turns=0))

    return await asyncio.to_thread(look)


def danger_on_record(asked: Asked, service: Service) -> OnRecord:
    """What tells whether there was danger before the message of a turn. It reads one row, or looks in memory.

    Of a conversation that the client brings along one of its newest 32 messages has plain words of suicide, or
    this process knows where it led to.
    """

    def look() -> bool:
        if asked.conversation_id is not None:
            return not asked.begins and _danger_in(asked.store.recall(asked.conversation_id, turns=0))
        history = asked.given.history
        said = [message.text for message in history if message.role == "seeker"]
        return _of_death(said[-_MOST_LOOKED_AT:]) or _danger_in(service.pasts.known(history, owner=asked.owner))

    return lambda: asyncio.to_thread(look)


def _of_death(texts: Iterable[str]) -> bool:
    return any(speaks_of_death(text[:_MOST_CHARACTERS]) for text in texts)


def _danger_in(past: Recalled) -> bool:
    return past.course is not None and past.course.was_in_danger


def help_lines_of(profile: Profile) -> tuple[str, ...]:
    """Where help is to be had in the country of a profile, for a front end to show to whoever gets no reply."""
    country = getattr(profile.agent.guard, "country", None)
    if country is None:
        return ()
    return (country.words, *map(str, country.lines_of("suicide", "distress")[:_MOST_LINES]))
