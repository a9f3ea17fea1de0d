"""Who is answered whatever the limits of a key, and what the others are told."""

from __future__ import annotations

import asyncio

from agent.safety.answered import speaks_of_death
from ui.http.errors import ApiError
from ui.http.history import text_of
from ui.http.profiles import Profile, Service
from ui.http.schemas import ChatRequest
from ui.http.tenancy import Tenant

__all__ = ["in_danger", "with_help_lines"]

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
    texts = [text_of(message, place)[:_MOST_CHARACTERS] for place, message in users[-_MOST_LOOKED_AT:]]
    named = request.heartline.conversation_id or header

    def look() -> bool:
        if any(map(speaks_of_death, texts)):
            return True
        if named in {None, "new"}:
            return False
        course = service.store_of(tenant).recall(str(named), turns=0).course
        return course is not None and course.was_in_danger

    return await asyncio.to_thread(look)


def with_help_lines(refusal: ApiError, profile: Profile) -> ApiError:
    """The refusal with where help is to be had, for the front end to show: somebody may be waiting behind it."""
    country = getattr(profile.agent.guard, "country", None)
    if country is not None:
        lines = country.lines_of("suicide", "distress")[:_MOST_LINES]
        refusal.help_lines = (country.words, *map(str, lines))
    return refusal
