"""One reply in the making: who speaks, what was said so far, and who stands in on failure."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import replace

from agent.decisions import Reply
from agent.errors import GenerationError
from agent.events import FailureNoted, Token
from agent.intake import scrub
from agent.perception import failure_of
from agent.protocols import Generator
from agent.turn import Turn

__all__ = ["Speech", "whole_reply"]


async def whole_reply(generator: Generator, turn: Turn) -> Reply:
    """What a generator says, for those who do not wait for pieces.

    Raises:
        GenerationError: It failed, or ended without a reply.
    """
    async with aclosing(generator.generate(turn)) as pieces:
        async for piece in pieces:
            if isinstance(piece, Reply):
                return piece
    raise GenerationError(f"Generator {generator.name!r} ended without a reply.")


class Speech:
    """Tries each speaker in order until one finishes a reply.

    Attributes:
        turn: The turn as it now is; it has its reply once `stream` is through.
        said: What the current speaker said so far.
    """

    def __init__(self, turn: Turn, speakers: Sequence[Generator]) -> None:
        self.turn = turn
        self.said = ""
        self._speakers = speakers
        self._speaker = ""
        self._stands_in_for: str | None = None

    async def stream(self) -> AsyncGenerator[Token | FailureNoted]:
        """The reply as it comes.

        Raises:
            GenerationError: The last speaker failed, too.
        """
        failed: Exception | None = None
        for speaker in self._speakers:
            self._speaker = speaker.name
            self._stands_in_for = None if failed is None else self._speakers[0].name
            try:
                async with aclosing(speaker.generate(self.turn)) as pieces:
                    async for piece in pieces:
                        if isinstance(piece, Reply):
                            reply = replace(piece, text=scrub(piece.text), stood_in_for=self._stands_in_for)
                            if not reply.text.strip():
                                raise GenerationError(f"Generator {speaker.name!r} gave an empty reply.")
                            self.turn = self.turn.fill(reply=reply)
                            return
                        # An LLM can be made to send terminal escapes as well as a person can.
                        text = scrub(piece)
                        self.said += text
                        yield Token(text)
                raise GenerationError(f"Generator {speaker.name!r} ended without a reply.")
            except Exception as error:  # noqa: BLE001 - whatever broke a speaker, the next one answers
                failed = error
            failure = failure_of("generate", speaker.name, failed)
            self.turn = self.turn.note(failure)
            if self.turn.reply is not None:  # it failed while it let go; its reply stands
                yield FailureNoted(failure)
                return
            discards, self.said = bool(self.said), ""  # what a speaker said who failed is no reply
            yield FailureNoted(failure, discards=discards)
        if isinstance(failed, GenerationError):
            raise failed
        msg = f"{self._speaker!r} could not answer ({type(failed).__name__})."
        raise GenerationError(msg) from failed

    def broken_off(self) -> Turn:
        """The turn with what was said so far, for a caller who stopped listening."""
        text = self.said.strip()
        if self.turn.reply is not None or not text:
            return self.turn
        reply = Reply(text, self._speaker, finish_reason="interrupted", stood_in_for=self._stands_in_for)
        return self.turn.fill(reply=reply)
