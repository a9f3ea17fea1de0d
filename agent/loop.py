"""One turn: recall, perceive, reread, screen, track, plan, compose, generate, remember."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing, suppress
from types import TracebackType
from typing import Self

from agent.batching import AS_COMES, Batching
from agent.deadline import in_time
from agent.errors import DeadlineError, GenerationError, WiringError
from agent.events import Event, ReplyFinished, Stage, StageFinished, StageStarted, run_stage, stage_finished
from agent.gate import Gate
from agent.intake import clean
from agent.limits import USUAL, Limits
from agent.options import AS_MADE, Options
from agent.perception import Perception, failure_of
from agent.planning import planned
from agent.protocols import (
    Composer,
    ConversationStore,
    Generator,
    Guard,
    Planner,
    Plugin,
    SecondReader,
    Tracker,
    Verifier,
)
from agent.remembering import remembered
from agent.screening import notices_after, notices_before, screened, unsaid
from agent.speakers import speakers_for
from agent.speech import Speech
from agent.synchronous import Synchronous
from agent.turn import Turn, new_turn
from agent.wiring import Reader, check_parts

__all__ = ["Agent"]


class Agent(Synchronous):
    """A support agent made of parts.

    Args:
        plugins: Read the message.
        generator: Speaks.
        store: Keeps conversations.
        second_reader: Looks again where the plugins are unsure; None leaves it out.
        tracker: Follows the emotional state; None leaves it out.
        planner: Chooses the strategy; None leaves it out.
        composer: Writes the prompt; None where the generator needs none.
        verifier: Looks at what the generator says before the person sees it; None shows it as it comes.
        guard: Decides whether to answer freely, and looks at each sentence before it leaves; None does neither.
        fallback: Speaks where the generator fails, and where the guard asks for care.
        history_turns: Turns of the conversation that are looked back on.
        max_message_characters: Longest message accepted.
        limits: How long and how quick a conversation may be.
        plugin_seconds: Longest that reading one message may take.
        batching: How messages that come at the same time are read together.
        verifier_seconds: Longest that one look at a draft may take.
        clock: Tells the time, in seconds since 1970.

    Raises:
        WiringError: The parts do not fit (see `agent.wiring`).

    Example:
        >>> agent = build_agent(store="memory")
        >>> turn = agent.respond_sync("My exam is tomorrow and I can't sleep.")
        >>> turn.reply.speaker
        'offline'
    """

    def __init__(
        self,
        *,
        plugins: Sequence[Plugin],
        generator: Generator,
        store: ConversationStore,
        second_reader: SecondReader | None = None,
        tracker: Tracker | None = None,
        planner: Planner | None = None,
        composer: Composer | None = None,
        verifier: Verifier | None = None,
        guard: Guard | None = None,
        fallback: Generator | None = None,
        history_turns: int = 24,
        max_message_characters: int = 20_000,
        limits: Limits = USUAL,
        plugin_seconds: float = 5.0,
        batching: Batching = AS_COMES,
        verifier_seconds: float = 2.0,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.perception = Perception(plugins, seconds=plugin_seconds, batching=batching)
        self.second_reader, self.tracker, self.guard = second_reader, tracker, guard
        self.planner, self.composer, self.verifier = planner, composer, verifier
        self.generator, self.fallback, self.store = generator, fallback, store
        self.history_turns, self.max_message_characters = history_turns, max_message_characters
        self.limits = limits
        self._verifier_seconds = verifier_seconds
        self.clock = clock
        self._check()

    def _check(self) -> None:
        parts: Sequence[tuple[str, Reader | None, str | None]] = (
            ("second reader", self.second_reader, None),
            ("tracker", self.tracker, "state"),
            ("guard", self.guard, None),
            ("planner", self.planner, "plan"),
            ("composer", self.composer, "prompt"),
            ("verifier", self.verifier, None),
            ("generator", self.generator, None),
            ("fallback", self.fallback, None),
        )
        check_parts(parts, written=self.perception.writes)
        if self.guard is not None and self.fallback is None and "prompt" in self.generator.reads:
            raise WiringError(
                f"The guard {self.guard.name!r} needs a `fallback`: without one, {self.generator.name!r} would "
                "answer freely where care is asked for. Give `fallback=`, or leave the guard out."
            )

    def read(self, messages: Sequence[str]) -> list[Turn]:
        """Readings alone, in one batch: no state, no reply, nothing stored.

        Args:
            messages: Seekers' messages, each on its own.

        Raises:
            InputError: A message is empty or too long.
        """
        return self.perception.read([new_turn(self._clean(text)) for text in messages])

    async def respond(self, text: str, *, conversation_id: str | None = None, options: Options = AS_MADE) -> Turn:
        """Answer one message.

        Args:
            text: The seeker's message.
            conversation_id: Which conversation goes on; a new one where None.
            options: What this request asks for.

        Returns:
            The finished turn: readings, state, plan, prompt, reply, and what failed on the way.

        Raises:
            InputError: The message is empty or too long. Nothing was stored.
            LimitError: The conversation is too long, or too fast. Nothing was read or stored.
            StoreError: The conversation cannot be read.
            GenerationError: Neither generator nor fallback could answer. The message was stored.
        """
        async with aclosing(self.stream(text, conversation_id=conversation_id, options=options)) as events:
            async for event in events:
                if isinstance(event, ReplyFinished):
                    return event.turn
        raise GenerationError("The stream of events ended without `ReplyFinished`.")

    async def stream(
        self, text: str, *, conversation_id: str | None = None, options: Options = AS_MADE
    ) -> AsyncGenerator[Event]:
        """Answer one message and tell what happens as it happens.

        Stopping early (closing the iterator, cancelling the task) while the reply comes stores
        the turn with what was said until then and `finish_reason` `"interrupted"`.

        Raises:
            InputError, StoreError, GenerationError: As `respond`.
        """
        turn = new_turn(self._clean(text), conversation_id=conversation_id or uuid.uuid4().hex)
        turn = turn.altered(at=self.clock(), options=options)
        before: list[Stage] = [
            ("recall", self._recall),
            ("perceive", self.perception.perceive),
            ("reread", self._reread),
            ("screen", self._screened),
            ("track", self._track),
            ("plan", self._plan),
            ("compose", self._compose),
        ]
        for stage in before:
            async for event in run_stage(stage, turn):
                yield event
                turn = event.turn if isinstance(event, StageFinished) else turn

        for notice in notices_before(turn):
            yield notice
        kept = False
        speakers = speakers_for(turn, self.generator, self.fallback)
        gate = self._gate(turn, speakers)
        speech = Speech(turn, speakers, compose_anew=self._composed, gate=gate, guard=self.guard)
        try:
            yield StageStarted("generate")
            started = time.perf_counter()
            async with aclosing(speech.stream()) as pieces:
                async for piece in pieces:
                    yield piece
            finished = stage_finished("generate", started, speech.turn)
            speech.turn = turn = finished.turn
            yield finished
            for notice in notices_after(turn):
                yield notice
            async for event in run_stage(("remember", self._remember), turn):
                if isinstance(event, StageFinished):
                    turn, kept = event.turn, True
                yield event
        except BaseException:  # failed for good, or nobody listens any more: keep what there is
            if not kept:
                self._keep(unsaid(speech.broken_off()))
            raise
        yield ReplyFinished(turn)

    async def _recall(self, turn: Turn) -> Turn:
        recalled = await asyncio.to_thread(self.store.recall, turn.conversation_id, turns=self.history_turns)
        turn = turn.altered(index=recalled.turns, history=recalled.messages, contact=recalled.contact)
        return self.limits.admit(recalled.before(turn))

    async def _reread(self, turn: Turn) -> Turn:
        reader = self.second_reader
        if reader is None or (turn.contact is not None and turn.contact.held_by is not None):
            return turn  # whoever took the conversation over reads it; no LLM does
        try:
            return await in_time(turn.options.deadline, lambda: reader.look_again(turn))
        except Exception as error:  # noqa: BLE001 - a stranger's part must not end the turn
            return turn.note(failure_of("reread", reader.name, error))

    async def _track(self, turn: Turn) -> Turn:
        if self.tracker is None:
            return turn
        try:
            return turn.fill(state=self.tracker.update(turn))
        except Exception as error:  # noqa: BLE001 - a stranger's part must not end the turn
            return turn.note(failure_of("track", self.tracker.name, error))

    async def _plan(self, turn: Turn) -> Turn:
        return await planned(turn, self.planner)

    async def _screened(self, turn: Turn) -> Turn:
        return screened(turn, self.guard)

    async def _compose(self, turn: Turn) -> Turn:
        window = getattr(self.generator, "context_tokens", None)
        if window is not None and self.composer is not None and not turn.escalated:
            with suppress(DeadlineError):  # without it the usual context is taken
                turn = turn.altered(context_tokens=await in_time(turn.options.deadline, window))
        return self._composed(turn)

    def _composed(self, turn: Turn) -> Turn:
        """With a prompt; where that fails, with the one it had."""
        if self.composer is None:
            return turn
        try:
            unwritten = turn.altered(prompt=None)
            return unwritten.fill(prompt=self.composer.compose(unwritten))
        except Exception as error:  # noqa: BLE001 - a stranger's part must not end the turn
            return turn.note(failure_of("compose", self.composer.name, error))

    def _gate(self, turn: Turn, speakers: Sequence[Generator]) -> Gate | None:
        """For the generator alone: what the fallback says is written beforehand."""
        if self.verifier is None or turn.escalated or speakers[0] is not self.generator:
            return None
        return Gate(self.verifier, self._verifier_seconds)

    async def _remember(self, turn: Turn) -> Turn:
        """Store the turn. Where that fails the person still has the reply, and is told."""
        return await remembered(self.store, turn)

    def _keep(self, turn: Turn) -> None:
        """Store a turn that is being torn down: at once, since nothing may be awaited any more."""
        try:
            self.store.append(turn)
        except Exception:  # noqa: BLE001 - what tears the turn down is to be seen, not the store's error
            return

    def _clean(self, text: str) -> str:
        return clean(text, limit=self.max_message_characters)

    async def aclose(self) -> None:
        """Let go of the store and of connections to the LLM."""
        for part in (self.second_reader, self.generator, self.fallback):
            close = getattr(part, "aclose", None)
            if close is not None:
                await close()
        self.store.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()
