"""What has to be said beside a reply, and what people wrote, as paragraphs of the content.

Clients drop fields that they do not know.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from agent.events import Event, FailureNoted, NoticeGiven, Token
from agent.protocols import Guard
from agent.screening import notices_after, notices_before
from agent.turn import Message, Turn
from ui.http.insight_schemas import HumanActOut
from ui.http.people import Meanwhile, words_of

__all__ = ["InContent", "with_notices", "without_notices"]

_BREAK = "\n\n"


class InContent:
    """What the events of a turn add to the content of a stream.

    A notice that comes first waits for the first word of the reply: a turn in which the LLM calls a tool is
    not kept, so that its notices are due again when the results come.

    Args:
        wanted: Whether notices, and what people wrote, belong to the content.
    """

    def __init__(self, *, wanted: bool) -> None:
        self._wanted, self._begun = wanted, False
        self._waiting: list[str] = []

    def added(self, event: Event | Meanwhile) -> Iterator[str]:
        """The words that an event brings. What was sent cannot be taken back: what stands in begins below."""
        match event:
            case NoticeGiven(words):
                yield from self._beside([words])
            case Meanwhile(acts):
                yield from self._beside(words_of(acts))
            case Token(text) if text:
                yield "".join(f"{words}{_BREAK}" for words in self._waiting) + text
                self._waiting.clear()
                self._begun = True
            case FailureNoted(_, True):
                yield _BREAK

    def _beside(self, paragraphs: Sequence[str]) -> Iterator[str]:
        if not self._wanted:
            return
        if self._begun:
            yield from (f"{_BREAK}{words}" for words in paragraphs)
        else:
            self._waiting.extend(paragraphs)


def with_notices(turn: Turn, reply: str, people: Sequence[HumanActOut] = ()) -> str:
    """A whole reply with what people wrote since the turn before it, and the notices of its turn: before it, in
    danger after it."""
    before, after = ([notice.text for notice in told(turn)] for told in (notices_before, notices_after))
    return _BREAK.join([*words_of(people), *before, reply, *after])


def without_notices(history: Sequence[Message], guard: Guard | None) -> tuple[Message, ...]:
    """A history that a client sent back, without the notices that a guard added: they are no part of a reply.

    Args:
        history: What was said.
        guard: Whose policy words them.
    """
    policy = getattr(guard, "policy", None)
    if policy is None:
        return tuple(history)
    known = tuple(filter(None, (policy.disclosure, policy.reminder, policy.break_prompt)))
    bare = (
        replace(message, text=_bare(message.text, known)) if message.role == "supporter" else message
        for message in history
    )
    return tuple(message for message in bare if message.text)


def _bare(text: str, known: Sequence[str]) -> str:
    while True:
        before = text
        for words in known:
            text = "" if text == words else text.removeprefix(f"{words}{_BREAK}").removesuffix(f"{_BREAK}{words}")
        if text == before:
            return text
