"""One request as one turn: which agent answers, with which history, in which order."""

from __future__ import annotations

import uuid
from collections.abc import AsyncGenerator
from contextlib import aclosing
from copy import copy
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from agent.decisions import TokenUsage
from agent.events import Event, ReplyFinished
from agent.generator import OpenAICompatibleGenerator
from agent.loop import Agent
from agent.options import Options
from agent.parts import with_parts
from agent.protocols import ConversationStore
from agent.repeats import Request
from agent.resumed import with_past
from agent.safety.answered import speaks_of_death
from agent.stopping import ending_before
from agent.turn import Message, Turn
from ui.http.errors import ApiError
from ui.http.history import Given, given_in
from ui.http.idempotency import begun_by, request_named
from ui.http.insight import no_llm
from ui.http.instructions import Instructed
from ui.http.kept_turns import in_order
from ui.http.notices import without_notices
from ui.http.profiles import Profile, Service
from ui.http.request_options import options_in
from ui.http.schemas import ChatRequest, Finish, Usage
from ui.http.spared import danger_on_record
from ui.http.tenancy import Tenant
from ui.http.tools import ToolsCalled, ToolSpeaker, Unfinished, until_called
from ui.http.turn_watch import watched

__all__ = ["Asked", "asked_in", "events_of", "finish_of", "usage_in", "usage_of"]

_MOST_STOPS = 4
_NEW = "new"


@dataclass(frozen=True, slots=True)
class Tools:
    """What the LLM may call, as the client sent it."""

    tools: tuple[dict[str, Any], ...]
    choice: str | dict[str, Any] | None


@dataclass(frozen=True, slots=True)
class Asked:
    """What a request asks for, checked.

    Attributes:
        profile: Who answers.
        store: The conversations of whoever asks.
        tenant: Among whom slots are shared out.
        owner: Whose it is, for what is remembered between requests.
        given: Its messages.
        options: For the turn.
        stop: Stop sequences.
        conversation_id: None for a stateless turn.
        tools: What the LLM may call, or called; None where there are none.
        request: What it is known by when it comes again; None where it has no key.
        begins: It begins the conversation.
        unkept_key: It has a key that nothing can be kept under.
    """

    profile: Profile
    store: ConversationStore
    tenant: str
    owner: str
    given: Given
    options: Options
    stop: tuple[str, ...]
    conversation_id: str | None
    tools: Tools | None
    request: Request | None = None
    begins: bool = False
    unkept_key: bool = False

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
        if self.unkept_key:
            fields.append("Idempotency-Key")
        return fields

    def without_effect(self, turn: Turn) -> list[str]:
        """The same, with what safety came before, and what only an LLM would have heeded."""
        spoken = {"temperature": self.options.temperature, "max_tokens": self.options.max_tokens}
        unheard = [name for name, value in spoken.items() if value is not None]
        if turn.escalated and self.stop:
            unheard.append("stop")
        if self.tools is not None:
            unheard.append("tools")
        unplanned = self.options.strategy is not None and (turn.plan is None or not turn.plan.by_request)
        heeded = self.not_honoured + (["heartline.strategy"] if unplanned else [])
        return [*heeded, *(unheard if no_llm(turn.reply) else [])]


def asked_in(
    request: ChatRequest, header: str | None, service: Service, tenant: Tenant, *, key: str | None = None
) -> Asked:
    """What a request asks for.

    Args:
        request: As sent.
        header: `X-Heartline-Conversation`, where it was sent.
        service: Knows the profiles.
        tenant: Who asks.
        key: `Idempotency-Key`, where it was sent.

    Raises:
        ApiError: It asks for what is not offered.
    """
    profile = service.profile(request.model, tenant)
    if request.n not in {None, 1}:
        raise ApiError(400, "Only one choice is offered: `n` is 1.", code="unsupported_value", param="n")
    if request.functions:
        raise ApiError(
            400, "`functions` are not taken; send `tools`.", code="tools_unsupported", param="functions"
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
    given = replace(given, history=without_notices(given.history, profile.agent.guard))
    tools = Tools(tuple(request.tools or ()), request.tool_choice) if request.tools or given.after else None
    if tools is not None and profile.llm is None:
        raise ApiError(
            400,
            "Tools are called by an LLM, and this profile has none behind a URL. Leave `tools` out.",
            code="tools_unsupported",
            param="tools",
        )
    store, named = service.store_of(tenant), _named(request.heartline.conversation_id, header)
    keyed = key is not None and named is not None and hasattr(store, "answered")
    return Asked(
        profile,
        store,
        tenant.name or "",
        f"{tenant.name!r}\n{profile.name}",
        given,
        options_in(request, profile),
        stop,
        (begun_by(key) if keyed and key else uuid.uuid4().hex) if named == _NEW else named,
        tools,
        request=request_named(key, request) if keyed and key else None,
        begins=named == _NEW,
        unkept_key=key is not None and not keyed,
    )


def _named(field: str | None, header: str | None) -> str | None:
    if field is not None and header is not None and field != header:
        raise ApiError(
            400,
            "`heartline.conversation_id` and the header `X-Heartline-Conversation` differ. Send one of them.",
            code="conversation_twice",
            param="heartline.conversation_id",
        )
    return field or header


@watched
async def events_of(asked: Asked, service: Service) -> AsyncGenerator[Event | ToolsCalled]:
    """What happens in the turn. Closing it ends the turn, as `Agent.stream` says.

    Raises:
        ApiError: Too many run and wait already (`Admission`).
        HeartlineError: As `Agent.stream`.
    """
    agent = _agent_for(asked)
    # Nobody in danger waits for a slot: a refusal is the last thing that they need.
    urgent = speaks_of_death(asked.given.text) or danger_on_record(asked, service)
    turn = partial(service.admission.turn, asked.tenant, deadline=asked.options.deadline, urgent=urgent)
    if asked.conversation_id is not None:
        spoken = lambda store: _spoken(with_parts(agent, store=store), asked)  # noqa: E731
        async with aclosing(in_order(spoken, asked, service, slot=turn)) as events:
            async for event in events:
                yield event
        return
    async with turn():
        agent = with_past(agent, await service.pasts.of(agent, asked.given.history, owner=asked.owner))
        async with aclosing(_spoken(agent, asked)) as events:
            async for event in events:
                if isinstance(event, ReplyFinished):
                    said = (*asked.given.history, *_as_sent_back(event.turn))
                    service.pasts.keep(said, event.turn, owner=asked.owner)
                yield event


async def _spoken(agent: Agent, asked: Asked) -> AsyncGenerator[Event | ToolsCalled]:
    """The events of the agent, with tools where there are any."""
    speaker: ToolSpeaker | None = None
    if asked.tools is not None and isinstance(agent.generator, OpenAICompatibleGenerator):
        speaker = ToolSpeaker(
            agent.generator,
            asked.profile.settings,
            tools=asked.tools.tools,
            choice=asked.tools.choice,
            after=asked.given.after,
        )
        agent = with_parts(agent, generator=speaker, store=Unfinished(agent.store, speaker))
    agent = ending_before(agent, asked.stop)
    stream = agent.stream(asked.given.text, conversation_id=asked.conversation_id, options=asked.options)
    async with aclosing(stream) as events:
        if speaker is None:
            async for event in events:
                yield event
            return
        async with aclosing(until_called(events, speaker)) as until:
            async for either in until:
                yield either


def _as_sent_back(turn: Turn) -> tuple[Message, ...]:
    """The turn's messages as a client will send them with its next request."""
    reply = "" if turn.reply is None else turn.reply.text.strip()
    return (Message("seeker", turn.text), Message("supporter", reply))


def _agent_for(asked: Asked) -> Agent:
    """The profile's agent with what this request changes."""
    agent = asked.profile.agent
    parts: dict[str, object] = {}
    if agent.composer is not None and asked.given.instructions and asked.profile.settings.client_instructions:
        parts["composer"] = Instructed(agent.composer, asked.given.instructions)
    if asked.conversation_id is None and getattr(agent.guard, "handoff_at", "never") != "never":
        # A packet is queued with a stored turn. Without one nobody is called, and nobody is told otherwise.
        guard = copy(agent.guard)
        guard.handoff_at = "never"  # type: ignore[union-attr]
        parts["guard"] = guard
    return with_parts(agent, **parts) if parts else agent


def finish_of(turn: Turn) -> Finish:
    """How a reply ended, in OpenAI's words. What else we know is in the field `heartline`."""
    return "length" if turn.reply is not None and turn.reply.finish_reason == "length" else "stop"


def usage_of(turn: Turn) -> Usage | None:
    """Tokens of the LLM; zeros where none was asked for the reply; None where it was and nobody counted."""
    reply = turn.reply
    if no_llm(reply):
        return Usage(prompt_tokens=0, completion_tokens=0, total_tokens=0)
    return usage_in(None if reply is None else reply.usage)


def usage_in(used: TokenUsage | None) -> Usage | None:
    """Tokens as OpenAI writes them."""
    if used is None:
        return None
    total = used.prompt + used.completion
    return Usage(prompt_tokens=used.prompt, completion_tokens=used.completion, total_tokens=total)
