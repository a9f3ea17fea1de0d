"""One reply in the making: who speaks, what was shown so far, and who stands in on failure.

With a guard each sentence is held back until it is complete and the guard has nothing against it; what it blocks
is replaced, and the reply ends there. With a verifier the first two sentences are held back together until nothing
speaks against them, then each sentence.
"""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from contextlib import aclosing
from dataclasses import replace

from agent.deadline import pieces_in_time
from agent.decisions import Objection, Reply, Timing
from agent.errors import DeadlineError, GenerationError, PromptTooLongError
from agent.events import FailureNoted, Token
from agent.gate import Gate
from agent.intake import scrub
from agent.outlet import IN_CIRCLES, TURNED_AWAY, let_out
from agent.perception import failure_of
from agent.protocols import Generator, Guard
from agent.sentences import Portions, Sentences, can_end, without_torn_end
from agent.speakers import Caring
from agent.turn import Turn

__all__ = ["Speech"]

_SAFETY = "safety"
"""The check whose objection is never passed over."""

_LEAVE_OUT = "Leave out whatever could harm, label or hold the person."
_OTHERWISE = {IN_CIRCLES: "Say nothing twice.", TURNED_AWAY: "Answer; turn nobody away."}

_USUAL = 4096  # tokens, of the smallest models that are still served
_LESS = 0.6


class Speech:
    """Tries each speaker in order until one finishes a reply.

    The deadline of the turn holds for the first one, where there are others. What was shown until then is the
    reply, if it can end there; else the next one speaks.

    Args:
        turn: With everything that comes before the reply.
        speakers: At least one.
        compose_anew: Gives the turn its next prompt, from what the turn says of the last draft or of the context.
        gate: For what the first speaker says; None shows everything at once, and so it is with the others.
        guard: Looks at every sentence of every speaker but the protocol itself; None looks at none.

    Attributes:
        turn: The turn as it now is; it has its reply once `stream` is through.
        said: What was shown so far of what the current speaker says.
    """

    def __init__(
        self,
        turn: Turn,
        speakers: Sequence[Generator],
        *,
        compose_anew: Callable[[Turn], Turn] = lambda turn: turn,
        gate: Gate | None = None,
        guard: Guard | None = None,
    ) -> None:
        self.turn = turn
        self.said = ""
        self._speakers = speakers
        self._compose_anew = compose_anew
        self._gate = gate
        self._guard = guard
        self._shortened = False
        # Who stands in needs no time, and with nobody to stand in there is nothing better than to wait.
        self._deadline = turn.options.deadline if len(speakers) > 1 else None
        self._speaker = ""
        self._stands_in_for: str | None = None
        self._checks = gate is not None
        self._came: float | None = None  # when the first word of the first draft did
        self._timed = False

    async def stream(self) -> AsyncGenerator[Token | FailureNoted]:
        """The reply as it comes.

        Raises:
            GenerationError: The last speaker failed, too.
        """
        failed: Exception | None = None
        waiting = [*self._speakers]
        while waiting:
            speaker = waiting.pop(0)
            self._speaker = speaker.name
            self._stands_in_for = None if failed is None else self._speakers[0].name
            gate = self._gate if failed is None else None
            try:
                spoken = self._speak(speaker) if gate is None else self._speak_checked(speaker, gate)
                async with aclosing(spoken) as events:
                    async for event in events:
                        yield event
                if self.turn.reply is not None:
                    for token in self._closing():
                        yield token
                    return
                raise GenerationError(f"Generator {speaker.name!r} ended without a reply.")
            except Exception as error:  # noqa: BLE001 - whatever broke a speaker, the next one answers
                broken = error
            failure = failure_of("generate", speaker.name, broken)
            self.turn = self.turn.note(failure)
            if isinstance(broken, PromptTooLongError) and self._shorten(broken.limit):
                waiting.insert(0, speaker)
                yield FailureNoted(failure)
                continue
            failed = broken
            if isinstance(broken, DeadlineError) and self.turn.reply is None and can_end(self.said, ""):
                self._finish(Reply("", speaker.name, finish_reason="cut"), self.said.rstrip())
            if self.turn.reply is not None:  # it failed while it let go; its reply stands
                yield FailureNoted(failure)
                for token in self._closing():
                    yield token
                return
            discards, self.said = bool(self.said), ""  # what a speaker said who failed is no reply
            yield FailureNoted(failure, discards=discards)
        if isinstance(failed, GenerationError):
            raise failed
        msg = f"{self._speaker!r} could not answer ({type(failed).__name__})."
        raise GenerationError(msg) from failed

    def _shorten(self, limit: int | None) -> bool:
        """Give the turn a shorter prompt; False where that was done before, or nothing can be left out."""
        known, before = self.turn.context_tokens, self.turn.prompt
        if self._shortened or self.said or before is None:
            return False
        self._shortened = True
        # The server's word, where it says less than was believed; else tokens were counted too low.
        shorter = limit if limit and (known is None or limit < known) else int((limit or known or _USUAL) * _LESS)
        self.turn = self._compose_anew(replace(self.turn, context_tokens=shorter))
        return self.turn.prompt is not None and self.turn.prompt.messages != before.messages

    def _closing(self) -> Iterator[Token]:
        """What the care wants at the end of a reply that was spoken freely."""
        care, reply = self.turn.care, self.turn.reply
        if care is None or reply is None or not care.words or self.turn.escalated:
            return
        token = self._show(f"\n\n{care.words}")
        self.turn = replace(self.turn, reply=replace(reply, text=f"{reply.text.rstrip()}{token.text}"))
        yield token

    async def _speak(self, speaker: Generator) -> AsyncGenerator[Token | FailureNoted]:
        """Sentence by sentence, as soon as each is complete; without a guard everything at once."""
        if isinstance(speaker, Caring) or self._guard is None:
            async with aclosing(self._pieces(speaker)) as pieces:
                async for piece in pieces:
                    if isinstance(piece, Reply):
                        self._finish(piece, scrub(piece.text))
                        return
                    # An LLM can be made to send terminal escapes as well as a person can.
                    yield self._show(scrub(piece))
            return
        async with aclosing(self._portions(speaker, Sentences())) as portions:
            async for text, reply in portions:
                shown, whole = self._guarded(text)
                yield self._show(shown)
                if not whole or reply is not None:
                    self._finish_guarded(reply, whole=whole)
                    return

    def _guarded(self, text: str) -> tuple[str, bool]:
        """What is shown of some sentences, and whether the reply goes on after them.

        Raises:
            GenerationError: The first sentence of a reply is blocked, or it goes round in circles and cannot end
                here, and somebody else can answer.
        """
        out = let_out(self._guard, self.turn, self.said, text, others=self._speaker != self._speakers[-1].name)
        if out.failure is not None:
            self.turn = self.turn.note(out.failure)
        if out.blocked is None:
            return out.text, True
        again, shown = out.blocked == IN_CIRCLES, self.said + out.text
        self.turn = self.turn.note(
            Objection(f"guard: {out.blocked.category}", _OTHERWISE.get(out.blocked, _LEAVE_OUT))
        )
        stands = can_end(shown, text[len(out.text) :]) if again else shown.strip()
        if not stands and self._speaker != self._speakers[-1].name:
            raise GenerationError(f"The guard held back what {self._speaker!r} said ({out.blocked.category}).")
        return out.with_instead(self.said), False

    def _finish_guarded(self, reply: Reply | None, *, whole: bool) -> None:
        if whole and reply is not None:
            self._finish(reply, self.said)
        else:
            self._finish(replace(reply or Reply("", self._speaker), finish_reason="cut"), self.said.rstrip())

    async def _speak_checked(self, speaker: Generator, gate: Gate) -> AsyncGenerator[Token | FailureNoted]:
        """Portion by portion. Where something speaks against the opening, a second draft is asked for, once."""
        for first in (True, False):
            passed_over = ""
            async with aclosing(self._portions(speaker, Portions())) as portions:
                async for text, reply in portions:
                    known = len(self.turn.failures)
                    objection = await self._look(gate, text, whole=reply is not None)
                    for failure in self.turn.failures[known:]:
                        yield FailureNoted(failure)
                    if objection is not None and objection.check != passed_over:
                        self.turn = self.turn.note(objection)
                        if self.said.strip():
                            self._end_before(text, objection, reply)
                            return
                        if first:
                            break
                        if objection.check == _SAFETY:
                            raise GenerationError(f"Two drafts of {speaker.name!r} failed the check {_SAFETY!r}.")
                        passed_over = objection.check
                    shown, sound = self._guarded(text)
                    yield self._show(shown)
                    if not sound or reply is not None:
                        self._finish_guarded(reply, whole=sound)
                        return
                else:
                    return
            known = len(self.turn.failures)
            self.turn = self._compose_anew(self.turn)
            for failure in self.turn.failures[known:]:
                yield FailureNoted(failure)

    def _pieces(self, speaker: Generator) -> AsyncGenerator[str | Reply]:
        pieces = speaker.generate(self.turn)
        return pieces_in_time(self._deadline, pieces) if speaker is self._speakers[0] else pieces

    async def _portions(
        self, speaker: Generator, portions: Portions | Sentences
    ) -> AsyncGenerator[tuple[str, Reply | None]]:
        """What is looked at in one go, as soon as it is complete; with the last one the `Reply`."""
        came = ""
        async with aclosing(self._pieces(speaker)) as pieces:
            async for piece in pieces:
                reply = piece if isinstance(piece, Reply) else None
                text = scrub(piece) if not isinstance(piece, Reply) else "" if came else scrub(piece.text)
                came += text
                if text.strip() and self._came is None:
                    self._came = time.perf_counter()
                ready = portions.push(text)
                if reply is None:
                    for portion in ready:
                        yield portion, None
                    continue
                *before, last = [*ready, *portions.finish()] or [""]
                for portion in before:
                    yield portion, None
                if reply.finish_reason in {"length", "content_filter"}:
                    last = without_torn_end(self.said, last)
                yield last, reply
                return

    async def _look(self, gate: Gate, text: str, *, whole: bool) -> Objection | None:
        """What speaks against showing `text` after what was shown; None too where the verifier fails."""
        if not (self._checks and text.strip()):
            return None
        try:
            return await gate.look(self.turn, self.said + text, whole=whole, deadline=self._deadline)
        except DeadlineError:
            raise
        except Exception as error:  # noqa: BLE001 - a stranger's part must not take the reply away
            self._checks = False
            self.turn = self.turn.note(failure_of("verify", gate.verifier.name, error))
            return None

    def _show(self, text: str) -> Token:
        if self._came is not None and not self._timed and text.strip():
            self._timed = True
            held = "hold" if self._gate is None else "verify"
            self.turn = self.turn.note(Timing(held, (time.perf_counter() - self._came) * 1000))
        self.said += text
        return Token(text)

    def _finish(self, reply: Reply, text: str) -> None:
        if not text.strip():
            raise GenerationError(f"Generator {self._speaker!r} gave an empty reply.")
        self.turn = self.turn.fill(reply=replace(reply, text=text, stood_in_for=self._stands_in_for))

    def _end_before(self, text: str, objection: Objection, reply: Reply | None) -> None:
        """The reply is what was shown.

        Raises:
            GenerationError: That cannot stand on its own.
        """
        if not can_end(self.said, text):
            raise GenerationError(
                f"A sentence of {self._speaker!r} failed the check {objection.check!r}, and what came before it "
                "does not stand on its own."
            )
        self._finish(replace(reply or Reply("", self._speaker), finish_reason="cut"), self.said.rstrip())

    def broken_off(self) -> Turn:
        """The turn with what was shown so far, for a caller who stopped listening."""
        text = self.said.strip()
        if self.turn.reply is not None or not text:
            return self.turn
        reply = Reply(text, self._speaker, finish_reason="interrupted", stood_in_for=self._stands_in_for)
        return self.turn.fill(reply=reply)
