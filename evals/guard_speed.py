"""What the guard costs: the record of risk, the look at each sentence, and the text that is held back meanwhile.

    python -m evals.guard_speed

The messages and replies were written for this. A generator that says a word at a time, so many a second, stands
for the LLM: how long text is held back then depends on the guard and on the length of the first sentence alone.
"""

from __future__ import annotations

import asyncio
import statistics
import sys
import time
from collections.abc import AsyncGenerator, Iterator, Sequence
from dataclasses import dataclass, replace

from agent.build import build_agent, build_perception
from agent.decisions import Reply
from agent.safety.guard import ProtocolGuard
from agent.sentences import sentences_of
from agent.settings import load_settings
from agent.turn import Turn, new_turn
from evals.timing import Spread, times

__all__ = ["Hold", "holding", "main", "screening"]

_RATES = (20, 60, 200)
"""Tokens a second; a word with its space counts as one."""

SCREENED_WITHIN = 1.0  # ms a turn, p50: screen, state machine and protocol

MESSAGES = (
    "The bus was late again and I missed the start of my shift.",
    "My sister moved out and the flat is so quiet that I leave the radio on.",
    "We won the quiz on Friday, can you believe it?",
    "Some days I think that everybody would do better without me.",
    "I don't want to be alive any more, and I don't know whom to tell.",
    "No, nobody is here with me. I'm fine, really.",
    "Can you tell me where my parcel is? The tracking page has said the same thing for a week.",
    "Thanks. I talked to my neighbour, and it helped a bit.",
)
REPLIES = (
    "That sounds like a long and lonely evening. What was it like when you came home?",
    "I'm sorry, it must have been hard to hear that from someone whom you trusted. I'm listening.",
    "You waited. You did not give up on it, and that says something about you.",
    "There is a lot in what you wrote, and I would like to understand it better. Where shall we begin?",
    "It makes sense that you are tired after a week like that. Sleep comes first tonight.",
)


@dataclass(frozen=True, slots=True)
class Hold:
    """How long text is held back at one speed.

    Attributes:
        rate: Tokens a second.
        held: Milliseconds from the first piece to the first text that is shown.
        sentence: Milliseconds that the first sentence takes to come, from its first word to the word after it.
        n: Of how many replies; the others are means.
    """

    rate: int
    held: float
    sentence: float
    n: int

    @property
    def ratio(self) -> float:
        """Held back, in first sentences."""
        return self.held / self.sentence


def screening() -> Iterator[tuple[str, Spread]]:
    """Perception, screen and check, in ms: the first two a turn, the last a sentence."""
    perception, guard = build_perception(load_settings()), ProtocolGuard("US")
    turns = [*_screened(guard, perception.read([new_turn(text) for text in MESSAGES]))]
    sentences = [sentence for reply in REPLIES for sentence in sentences_of(reply)]

    def read(number: int) -> None:
        perception.read([new_turn(f"{number} {MESSAGES[number % len(MESSAGES)]}")])

    def screen(number: int) -> None:
        guard.screen(turns[number % len(turns)])

    def check(number: int) -> None:
        guard.check(turns[0], "I hear you, and I'm glad. ", f"{number} {sentences[number % len(sentences)]}")

    yield "perceive, all readings, a message", Spread.of(times(read))
    yield "screen, state machine and protocol, a message", Spread.of(times(screen))
    yield "check, a sentence", Spread.of(times(check))


def _screened(guard: ProtocolGuard, read: Sequence[Turn]) -> Iterator[Turn]:
    """The turns as the guard gets them, one after the other in one conversation."""
    course = None
    for index, turn in enumerate(read):
        before = replace(turn, index=index, course_before=course)
        course = guard.screen(before).course
        yield before


class _Paced:
    """Says a text word by word, so many a second."""

    name = "paced"
    reads: frozenset[str] = frozenset()

    def __init__(self, text: str, rate: int) -> None:
        self._words, self._rate = text.split(" "), rate

    async def generate(self, turn: Turn) -> AsyncGenerator[str | Reply]:  # noqa: ARG002 - the protocol's
        """A word when its time has come."""
        started = time.perf_counter()
        for number, word in enumerate(self._words):
            await asyncio.sleep(max(0.0, started + number / self._rate - time.perf_counter()))
            yield word if number == 0 else f" {word}"
        yield Reply(" ".join(self._words), self.name)


async def holding(rate: int, replies: Sequence[str] = REPLIES) -> Hold:
    """How long text is held back at one speed, in a whole agent.

    Args:
        rate: Tokens a second.
        replies: Texts of at least two sentences.
    """
    held, sentences = [], []
    async with build_agent(load_settings(store="memory", country="US")) as agent:
        agent.fallback = agent.generator
        await agent.respond("The kettle broke.")  # loads what is loaded once
        for reply in replies:
            agent.generator = _Paced(reply, rate)
            turn = await agent.respond("The kettle broke.")
            held += [timing.milliseconds for timing in turn.timings if timing.stage == "hold"]
            words = next(place for place, word in enumerate(reply.split(" "), 1) if word[-1] in ".?!")
            sentences.append(1000 * words / rate)
    return Hold(rate, statistics.mean(held), statistics.mean(sentences), len(held))


def main() -> None:
    """Print everything."""
    for name, spread in screening():
        aim = f" (aim: p50 at most {SCREENED_WITHIN:g} ms)" if name.startswith("screen") else ""
        sys.stdout.write(f"{name}: p50 {spread.p50:.3f} ms, p95 {spread.p95:.3f} ms, n = {spread.n}{aim}\n")
    for rate in _RATES:
        hold = asyncio.run(holding(rate))
        sys.stdout.write(
            f"held back at {rate} tokens a second: {hold.held:.0f} ms, {hold.ratio:.2f} of the first sentence's "
            f"{hold.sentence:.0f} ms, n = {hold.n} (aim: at most one sentence)\n"
        )


if __name__ == "__main__":
    main()
