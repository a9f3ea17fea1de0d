"""One message on the page: who answers, what is seen of it while it comes, and what is told where it fails."""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, replace
from functools import reduce

from agent.errors import (
    GenerationError,
    InputError,
    LimitError,
    SettingsError,
    StoreError,
    WiringError,
)
from agent.events import (
    Event,
    FailureNoted,
    NoticeGiven,
    ReplyFinished,
    StageFinished,
    Token,
)
from agent.holding import whose
from agent.options import Options
from agent.parts import with_parts
from agent.turn import Turn
from ui.http.errors import ApiError
from ui.page.desk import Desk
from ui.page.visitor import Visitor

__all__ = ["Moment", "Trouble", "answered", "trouble_of"]

_log = logging.getLogger("heartline.page")


@dataclass(frozen=True, slots=True)
class Trouble:
    """What went wrong, as a person is told.

    Attributes:
        key: Of the text.
        given: What stands in it.
        taken_in: Whether the message was taken in. Where it was not, it goes back into the box.
    """

    key: str
    given: tuple[tuple[str, object], ...] = ()
    taken_in: bool = False


@dataclass(frozen=True, slots=True)
class Moment:
    """What is seen of a turn while it is made.

    Attributes:
        said: The reply so far.
        notices: What was told beside it so far.
        failed_over: Who was to answer failed, and somebody else answers.
        turn: As it is now; None before the message was taken in.
        ended: The turn is over.
        trouble: Why it ended without a reply; None where it has one, or goes on.
    """

    said: str = ""
    notices: tuple[str, ...] = ()
    failed_over: bool = False
    turn: Turn | None = None
    ended: bool = False
    trouble: Trouble | None = None


async def answered(
    desk: Desk, visitor: Visitor, conversation_id: str, text: str, *, strategy: str | None = None
) -> AsyncGenerator[Moment]:
    """Answer one message. Closing it ends the turn, as `Agent.stream` says.

    Args:
        desk: Knows who answers.
        visitor: Who asks; theirs is the conversation.
        conversation_id: That goes on, or begins.
        text: The message.
        strategy: Id of the one that the reply is to follow; None leaves it to the planner.

    Yields:
        What is seen, whenever something is new, until one has `ended`: first that the message was taken in, with
        the first words where they come soon. Whoever takes long over one gets the newest next. Nothing is raised:
        a face tells people what to do.
    """
    now = Moment()
    seen = _seen(now)
    try:
        options = replace(desk.options_for(visitor.choices), strategy=strategy)
        turn = _in_order(desk, visitor, conversation_id, text, options)
        followed = desk.running.followed(conversation_id, turn)
        async with aclosing(followed) as happened:
            async for events in happened:
                now = reduce(_after, events, now)
                if _seen(now) != seen:
                    seen = _seen(now)
                    yield now
    except Exception as error:  # noqa: BLE001 - whatever it was, the person is told what to do
        trouble = trouble_of(error, characters=len(text), most=desk.agent.max_message_characters)
        now = replace(now, trouble=trouble)
    yield replace(now, ended=True)


async def _in_order(
    desk: Desk, visitor: Visitor, conversation_id: str, text: str, options: Options
) -> AsyncGenerator[Event]:
    """The turn, after those of the same conversation that came before: another tab may be talking in it."""
    agent = await desk.agent_for(visitor.choices)
    agent = with_parts(agent, store=desk.store_of(visitor, conversation_id))
    async with desk.order.turn_of(whose(agent.store, conversation_id)):
        asked = agent.stream(text, conversation_id=conversation_id, options=options)
        async with aclosing(asked) as events:
            async for event in events:
                yield event


def _seen(now: Moment) -> tuple[object, ...]:
    """What a person sees of it, and not which stages ended: each moment costs a round to the browser."""
    return now.said, now.notices, now.failed_over, now.turn is not None


def _after(now: Moment, event: Event) -> Moment:
    match event:
        case StageFinished(turn=turn):
            return replace(now, turn=turn)
        case NoticeGiven(text=text):
            return replace(now, notices=(*now.notices, text))
        case Token(text=text):
            return replace(now, said=now.said + text)
        case FailureNoted(failure=failure, discards=discards) if failure.stage == "generate":
            return replace(now, said="" if discards else now.said, failed_over=True)
        case ReplyFinished(turn=turn):
            return replace(now, turn=turn, said="" if turn.reply is None else turn.reply.text)
        case _:
            return now


def trouble_of(  # noqa: PLR0911 - one for each kind of error
    error: Exception, *, characters: int = 0, most: int = 0
) -> Trouble:
    """What a person is told about an error: what happened, and what to do.

    Args:
        error: Whatever was raised.
        characters: How long the message was.
        most: How long one may be.
    """
    match error:
        case LimitError(retry_after=float() as seconds):
            return Trouble("trouble.too_fast", (("seconds", max(1, round(seconds + 0.5))),))
        case LimitError() if characters > most > 0:
            return Trouble("trouble.too_long", (("characters", characters), ("most", most)))
        case LimitError():
            return Trouble("trouble.too_many_turns")
        case InputError():
            return Trouble("trouble.empty")
        case GenerationError():
            return Trouble("trouble.no_answer", taken_in=True)
        case StoreError():
            return Trouble("trouble.store")
        case ApiError(code="conversation_busy"):
            return Trouble("trouble.busy")
        case SettingsError() | WiringError():
            return Trouble("trouble.settings")
        case _:
            # What it says may quote the person.
            _log.error("A turn of the page failed: %s", type(error).__name__)
            return Trouble("trouble.other")
