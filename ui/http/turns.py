"""One request as one turn: which agent answers, with which history, in which order."""

from __future__ import annotations

import uuid
from collections.abc import AsyncGenerator
from contextlib import aclosing
from copy import copy
from dataclasses import dataclass

from agent.decisions import Reply
from agent.errors import SettingsError
from agent.events import Event, ReplyFinished
from agent.loop import Agent
from agent.options import Options, parts_of
from agent.turn import Message, Turn
from ui.http.errors import ApiError
from ui.http.history import Given, GivenHistory, given_in
from ui.http.instructions import Instructed
from ui.http.profiles import Profile, Service, with_parts
from ui.http.schemas import ChatRequest, Usage
from ui.http.stopping import Stopping
from ui.http.tenancy import Tenant

__all__ = ["Asked", "asked_in", "events_of", "finish_of", "usage_of"]

_MOST_STOPS = 4
_NEW = "new"


@dataclass(frozen=True, slots=True)
class Asked:
    """What a request asks for, checked.

    Attributes:
        profile: Who answers.
        owner: Whose it is, for what is remembered between requests.
        given: Its messages.
        options: For the turn.
        stop: Stop sequences.
        conversation_id: None for a stateless turn.
    """

    profile: Profile
    owner: str
    given: Given
    options: Options
    stop: tuple[str, ...]
    conversation_id: str | None

    @property
    def not_honoured(self) -> list[str]:
        """Fields that have no effect on this turn, whoever speaks in it."""
        fields = []
        if self.given.instructions and not self.profile.settings.client_instructions:
            fields.append("messages[role=system]")
        if self.given.left_out:
            fields.append("messages[role=tool]")
        if self.conversation_id is not None and self.given.history:
            fields.append("messages[history]")
        return fields

    def without_effect(self, turn: Turn) -> list[str]:
        """The same, with what only an LLM would have heeded."""
        speaker = None if turn.reply is None else turn.reply.speaker
        spoken = {"temperature": self.options.temperature, "max_tokens": self.options.max_tokens}
        unheard = [name for name, value in spoken.items() if value is not None]
        if speaker == "protocol" and self.stop:
            unheard.append("stop")
        return [*self.not_honoured, *(unheard if _no_llm(turn.reply) else [])]


def asked_in(request: ChatRequest, header: str | None, service: Service, tenant: Tenant) -> Asked:
    """What a request asks for.

    Args:
        request: As sent.
        header: `X-Heartline-Conversation`, where it was sent.
        service: Knows the profiles.
        tenant: Who asks.

    Raises:
        ApiError: It asks for what is not offered.
    """
    profile = service.profile(request.model)
    if request.n not in {None, 1}:
        raise ApiError(400, "Only one choice is offered: `n` is 1.", code="unsupported_value", param="n")
    if request.tools or request.functions:
        raise ApiError(
            400,
            "Tools are not passed through. Leave `tools` out; docs/server.md says what can be done instead.",
            code="tools_unsupported",
            param="tools" if request.tools else "functions",
        )
    if request.response_format is not None and request.response_format.type != "text":
        raise ApiError(
            400,
            "Replies are text. Leave `response_format` out.",
            code="unsupported_value",
            param="response_format",
        )
    stop = tuple(filter(None, [request.stop] if isinstance(request.stop, str) else request.stop or ()))
    if len(stop) > _MOST_STOPS:
        raise ApiError(400, f"At most {_MOST_STOPS} stop sequences.", code="unsupported_value", param="stop")
    given = given_in(request.messages, most_characters=profile.settings.max_message_characters)
    if given.after:
        raise ApiError(400, "The last message should be the user's.", code="not_the_users_turn", param="messages")
    return Asked(
        profile,
        f"{tenant.name}\n{profile.name}",
        given,
        _options(request),
        stop,
        _conversation(request.heartline.conversation_id, header),
    )


def _options(request: ChatRequest) -> Options:
    variant = request.heartline.variant
    if variant is not None:
        try:
            parts_of(variant)
        except SettingsError:
            raise ApiError(
                400,
                "`heartline.variant` names no parts of a prompt (docs/prompts.md), e.g. `hef+strategy`.",
                code="unsupported_value",
                param="heartline.variant",
            ) from None
    limit = request.max_completion_tokens or request.max_tokens
    return Options(variant=variant, temperature=request.temperature, max_tokens=limit)


def _conversation(field: str | None, header: str | None) -> str | None:
    if field is not None and header is not None and field != header:
        raise ApiError(
            400,
            "`heartline.conversation_id` and the header `X-Heartline-Conversation` differ. Send one of them.",
            code="conversation_twice",
            param="heartline.conversation_id",
        )
    named = field or header
    return uuid.uuid4().hex if named == _NEW else named


async def events_of(asked: Asked, service: Service) -> AsyncGenerator[Event]:
    """What happens in the turn. Closing it ends the turn, as `Agent.stream` says.

    Raises:
        HeartlineError: As `Agent.stream`.
    """
    agent = _agent_for(asked)
    if asked.conversation_id is not None:
        async with service.order.turn_of(asked.conversation_id):
            stream = agent.stream(asked.given.text, conversation_id=asked.conversation_id, options=asked.options)
            async with aclosing(stream) as events:
                async for event in events:
                    yield event
        return
    recalled = await service.replay.recalled(agent, asked.owner, asked.given.history)
    agent = with_parts(agent, store=GivenHistory(recalled))
    async with aclosing(agent.stream(asked.given.text, options=asked.options)) as events:
        async for event in events:
            if isinstance(event, ReplyFinished):
                said = (*asked.given.history, *_as_sent_back(event.turn))
                service.replay.note(asked.owner, said, event.turn)
            yield event


def _as_sent_back(turn: Turn) -> tuple[Message, ...]:
    """The turn's messages as a client will send them with its next request."""
    reply = "" if turn.reply is None else turn.reply.text.strip()
    return (Message("seeker", turn.text), Message("supporter", reply))


def _agent_for(asked: Asked) -> Agent:
    """The profile's agent with what this request changes."""
    agent = asked.profile.agent
    parts: dict[str, object] = {}
    if asked.stop:
        parts["generator"] = Stopping(agent.generator, asked.stop)
        if agent.fallback is not None:
            parts["fallback"] = Stopping(agent.fallback, asked.stop)
    if agent.composer is not None and asked.given.instructions and asked.profile.settings.client_instructions:
        parts["composer"] = Instructed(agent.composer, asked.given.instructions)
    if asked.conversation_id is None and getattr(agent.guard, "handoff_at", "never") != "never":
        # A packet is queued with a stored turn. Without one nobody is called, and nobody is told otherwise.
        guard = copy(agent.guard)
        guard.handoff_at = "never"  # type: ignore[union-attr]
        parts["guard"] = guard
    return with_parts(agent, **parts) if parts else agent


def finish_of(turn: Turn) -> str:
    """How a reply ended, in OpenAI's words. What else we know is in the field `heartline`."""
    return "length" if turn.reply is not None and turn.reply.finish_reason == "length" else "stop"


def usage_of(turn: Turn) -> Usage | None:
    """Tokens of the LLM; zeros where none was asked for the reply; None where it was and nobody counted."""
    reply = turn.reply
    if reply is not None and reply.usage is not None:
        used = reply.usage
        return Usage(
            prompt_tokens=used.prompt,
            completion_tokens=used.completion,
            total_tokens=used.prompt + used.completion,
        )
    if _no_llm(reply):
        return Usage(prompt_tokens=0, completion_tokens=0, total_tokens=0)
    return None


def _no_llm(reply: Reply | None) -> bool:
    """Whether no LLM was asked for the reply: the protocol spoke, or the built-in responder of its own right."""
    return reply is not None and reply.speaker in {"protocol", "offline"} and reply.stood_in_for is None
