"""How long until the first word, with Heartline's loop and without it, against one LLM server.

    python -m evals.llm_speed --llm http://127.0.0.1:8000/v1

Conversations run through the loop; then the prompts that it wrote are sent to the server again, byte for byte
and in the same order, by a plain HTTP client that keeps its connections. Both by as many at once, in turns, in
one run. On vLLM the second sending has a `cache_salt`, so that it finds in the prefix cache what the first one
found and no more. Before each message somebody pauses, as people do: sixteen do not write at the same instant.
The messages were written for this.
"""

from __future__ import annotations

import asyncio
import json
import random
import statistics
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, aclosing
from dataclasses import dataclass, field, replace
from itertools import product
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from agent.build import build_agent
from agent.decisions import Prompt
from agent.errors import HeartlineError, LLMResponseError
from agent.events import ReplyFinished, Token
from agent.loop import Agent
from agent.probe import LLMServer
from agent.settings import Settings, load_settings
from agent.turn import Message, Turn
from evals.timing import Spread, times
from sem_plugins.training.cells import page

if TYPE_CHECKING:
    import httpx2

__all__ = ["Compared", "app", "compare", "composing"]

OVER = 30.0  # ms that the loop may add to the server's own time, at p50
COMPOSED_WITHIN = 2.0  # ms for a prompt after 200 turns
_HISTORY = 200
_BLOCKS = 2
_LEAST = 8  # conversations, where fewer run at once

OPENINGS = (
    "My flatmate moved out on Sunday and took the kettle, the radio and all the noise.",
    "I have been offered the job in Lisbon and I keep not answering the letter.",
    "The choir starts again tonight and for the first time I am not in it.",
    "My brother borrowed money in March and now he crosses the street when he sees me.",
    "We painted the kitchen yellow yesterday, and I cannot stop smiling at it.",
    "The teacher says that my son is quiet, as if that were a fault.",
    "I forgot my own mother's birthday. She did not say a word about it.",
    "They are closing the library where I learned to read.",
)
REPLIES = (
    "I think it has to do with how sudden it was.",
    "Maybe. I walked around the lake twice and felt a little lighter afterwards.",
    "It helps to say it aloud, oddly enough.",
)


@dataclass(frozen=True, slots=True)
class Compared:
    """Times to the first word.

    Attributes:
        ours: With the loop, as the person sees it.
        heard: With the loop, to the first word that came from the LLM: without what the guard or the verifier
            held back until the sentence was complete.
        alone: Without the loop.
        stages: Median milliseconds of each stage before the reply.
    """

    ours: Spread
    heard: Spread
    alone: Spread
    stages: Mapping[str, float]


@dataclass(slots=True)
class _Waits:
    """Milliseconds until the first word, by who asked; and how long the loop's stages took."""

    ours: list[float] = field(default_factory=list)
    heard: list[float] = field(default_factory=list)
    alone: list[float] = field(default_factory=list)
    stages: dict[str, list[float]] = field(default_factory=dict)
    left_out: int = 0

    def note(self, turn: Turn, milliseconds: float) -> None:
        for timing in turn.timings:
            self.stages.setdefault(timing.stage, []).append(timing.milliseconds)
        held = sum(timing.milliseconds for timing in turn.timings if timing.within)
        self.ours.append(milliseconds)
        self.heard.append(milliseconds - held)


async def compare(settings: Settings, *, at_once: int, conversations: int, pause: float = 0.0) -> Compared:
    """Times to the first word with the loop and without it.

    Args:
        settings: Name the server.
        at_once: Conversations that run at the same time.
        conversations: How many in all; each has four turns.
        pause: Mean seconds before a message, drawn from an exponential distribution.

    Raises:
        LLMResponseError: Not one turn was answered by the LLM.
    """
    waits, pauses = _Waits(), _Pauses(pause)
    server = LLMServer.from_settings(settings)
    async with build_agent(settings) as agent, server.connect() as http:
        model = settings.llm_model or (await server.models(http))[0]
        salt: dict[str, str] = {"cache_salt": "without-heartline"}
        await _talk(agent, -1, _Waits(), _Pauses(0))  # loads what is loaded once
        if not await _takes(server, http, model, salt):
            salt = {}
        body = _body(settings, model) | salt

        def send(extra: dict[str, Any]) -> AbstractAsyncContextManager[httpx2.Response]:
            return http.stream(
                "POST", f"{server.base}/chat/completions", json=body | extra, timeout=server.timeout
            )

        for block in range(_BLOCKS):
            numbers = range(block * conversations, (block + 1) * conversations)
            said = await _side_by_side([_Job(_talk, agent, number, waits, pauses) for number in numbers], at_once)
            again = [_Job(_resend, send, prompts, waits, pauses) for prompts in said]
            await _side_by_side(again, at_once)
    if len(waits.ours) < 2:  # noqa: PLR2004 - what a quantile needs
        raise LLMResponseError(f"The LLM at {server.base} answered no turn. `heartline doctor --llm` looks at it.")
    stages = {stage: statistics.median(taken) for stage, taken in waits.stages.items() if stage != "generate"}
    return Compared(Spread.of(waits.ours), Spread.of(waits.heard), Spread.of(waits.alone), stages)


class _Pauses:
    """Somebody who reads and types."""

    def __init__(self, mean: float) -> None:
        self._mean = mean
        self._drawn = random.Random(7)

    async def next(self) -> None:
        if self._mean:
            await asyncio.sleep(self._drawn.expovariate(1 / self._mean))


class _Job:
    """Something to await, later."""

    def __init__(self, work: Any, *arguments: Any) -> None:
        self._work, self._arguments = work, arguments

    async def within(self, places: asyncio.Semaphore) -> Any:
        async with places:
            return await self._work(*self._arguments)


async def _side_by_side(jobs: Sequence[_Job], at_once: int) -> list[Any]:
    places = asyncio.Semaphore(at_once)
    return await asyncio.gather(*(job.within(places) for job in jobs))


async def _talk(agent: Agent, number: int, waits: _Waits, pauses: _Pauses) -> list[Prompt]:
    """One conversation; returns the prompts of the turns that the LLM answered."""
    conversation, prompts = f"speed-{number}", []
    for text in (OPENINGS[number % len(OPENINGS)], *REPLIES):
        await pauses.next()
        first, started = 0.0, time.perf_counter()
        async with aclosing(agent.stream(f"{text} ({number})", conversation_id=conversation)) as events:
            async for event in events:
                if isinstance(event, Token) and not first and event.text.strip():
                    first = time.perf_counter() - started
                elif isinstance(event, ReplyFinished):
                    turn = event.turn
        if turn.escalated or turn.prompt is None or turn.reply is None or turn.reply.stood_in_for is not None:
            waits.left_out += 1
            continue
        waits.note(turn, 1000 * first)
        prompts.append(turn.prompt)
    return prompts


async def _resend(
    send: Callable[[dict[str, Any]], AbstractAsyncContextManager[httpx2.Response]],
    prompts: Sequence[Prompt],
    waits: _Waits,
    pauses: _Pauses,
) -> None:
    """The same prompts, without Heartline."""
    for prompt in prompts:
        messages = [{"role": message.role, "content": message.content} for message in prompt.messages]
        await pauses.next()
        first, started = 0.0, time.perf_counter()
        async with send({"messages": messages}) as answer:
            async for line in answer.aiter_lines():
                if not first and _says_something(line):
                    first = time.perf_counter() - started
        if first:
            waits.alone.append(1000 * first)


def _says_something(line: str) -> bool:
    if not line.startswith("data: {"):
        return False
    choices = json.loads(line.removeprefix("data: ")).get("choices")
    return bool(choices and (choices[0].get("delta", {}).get("content") or "").strip())


async def _takes(server: LLMServer, http: httpx2.AsyncClient, model: str, extra: dict[str, str]) -> bool:
    """Whether the server takes a field of its own."""
    body = {"model": model, "max_tokens": 1, "messages": [{"role": "user", "content": "Hello."}]} | extra
    answer = await http.post(f"{server.base}/chat/completions", json=body, timeout=server.timeout)
    return answer.status_code == 200  # noqa: PLR2004 - HTTP's OK


def _body(settings: Settings, model: str) -> dict[str, Any]:
    """What the generator sends beside the messages."""
    body: dict[str, Any] = {"model": model, "stream": True, "stream_options": {"include_usage": True}}
    if settings.llm_temperature is not None:
        body["temperature"] = settings.llm_temperature
    if settings.llm_max_tokens is not None:
        body["max_tokens"] = settings.llm_max_tokens
    return body


def composing(settings: Settings, *, turns: int = _HISTORY, runs: int = 200) -> Spread:
    """How long writing a prompt takes after so many turns, with readings, state and plan.

    No LLM is asked: the built-in responder gives the turn that is composed again and again.
    """
    composer = build_agent(settings).composer
    assert composer is not None  # noqa: S101 - there is one wherever there is an `llm_url`
    told = [text for number in range(turns) for text in (OPENINGS[number % len(OPENINGS)], REPLIES[number % 3])]
    history = tuple(Message("supporter" if number % 2 else "seeker", text) for number, text in enumerate(told))
    offline = build_agent(settings.model_copy(update={"llm_url": None, "store": "memory"}))
    turn = replace(offline.respond_sync(OPENINGS[0]), history=history, context_tokens=8192)
    taken = times(lambda number: composer.compose(replace(turn, text=f"{turn.text} ({number})")), runs=runs)
    return Spread.of(taken)


app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def main(  # noqa: PLR0917 - typer names them all
    llm: Annotated[str, typer.Option("--llm", metavar="URL", help="OpenAI-compatible server.")],
    model: Annotated[str | None, typer.Option(help="Its model; default: the server's first.")] = None,
    at_once: Annotated[
        list[int] | None, typer.Option(min=1, help="Conversations at once; may be given again; default: 1 and 16.")
    ] = None,
    two_stage: Annotated[
        list[str] | None, typer.Option(help="Of the settings; may be given again; default: inline and adaptive.")
    ] = None,
    tokens: Annotated[int, typer.Option(min=1, help="Longest reply.")] = 32,
    pause: Annotated[float, typer.Option(min=0, help="Mean seconds before a message; 0 is the worst case.")] = 1.0,
) -> None:
    """Time to the first word with Heartline's loop and without it, and the time to write a prompt."""
    given = {"llm_url": llm, "llm_model": model, "llm_max_tokens": tokens, "store": "memory"}
    table = Table(box=None, padding=(0, 2, 0, 0))
    for column in ("two_stage", "at once", "ms to the first word", "Heartline", "server", "more", "n"):
        table.add_column(column, no_wrap=True, justify="left" if "_" in column or " " in column else "right")
    stages: dict[str, Mapping[str, float]] = {}
    try:
        for way, many in product(two_stage or ["inline", "adaptive"], at_once or [1, 16]):
            settings = load_settings(**given, two_stage=way)
            found = asyncio.run(compare(settings, at_once=many, conversations=max(_LEAST, many), pause=pause))
            stages[f"{way}, {many} at once"] = found.stages
            for name, one in (("shown", found.ours), ("came", found.heard)):
                for quantile in ("p50", "p95"):
                    ours, alone = getattr(one, quantile), getattr(found.alone, quantile)
                    figures = (f"{ours:.1f}", f"{alone:.1f}", f"{ours - alone:+.1f}", f"{one.n}+{found.alone.n}")
                    table.add_row(way, str(many), f"{name}, {quantile}", *figures)
        composed = composing(load_settings(**given))
    except HeartlineError as error:
        sys.stderr.write(f"{error}\n")
        raise typer.Exit(1) from None
    console = page()
    console.print(table)
    console.print("shown: the sentence was complete and had passed; came: the first word came from the LLM")
    console.print(f"aim: the first word comes at most {OVER:g} ms later at p50")
    for name, taken in stages.items():
        told = ", ".join(f"{stage} {milliseconds:.1f}" for stage, milliseconds in taken.items())
        console.print(f"before the reply, {name}, p50 in ms: {told}")
    console.print(
        f"writing a prompt after {_HISTORY} turns: p50 {composed.p50:.2f} ms, p95 {composed.p95:.2f} ms "
        f"(aim: p50 at most {COMPOSED_WITHIN:g} ms)"
    )


if __name__ == "__main__":
    app()
