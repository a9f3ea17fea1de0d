"""Replies of an agent to samples: several at once, each paid for once.

A reply is kept under a key of everything that decides it. A run that was killed asks for what is missing and
for nothing else, and gives the same file in the end.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeRemainingColumn

from agent.errors import GenerationError
from agent.loop import Agent
from agent.protocols import Recalled
from agent.turn import Message, Turn
from evals.task import Answer, Answers, Sample

__all__ = ["ReplyCache", "SampleStore", "key_of", "speak"]

_FORMAT = 1  # of the cache; another one is not read


@dataclass
class SampleStore:
    """A `ConversationStore` in which each sample is a conversation; what is said is forgotten.

    Attributes:
        samples: Those that are asked about; a conversation has the id of its sample.
    """

    samples: Iterable[Sample]
    name: str = "samples"
    _messages: dict[str, tuple[Message, ...]] = field(init=False)

    def __post_init__(self) -> None:
        self._messages = {sample.id: sample.messages[:-1] for sample in self.samples}

    def recall(self, conversation_id: str, *, turns: int) -> Recalled:
        """What was said before the sample's last message; of longer dialogues the newest `2 * turns` messages."""
        before = self._messages[conversation_id]
        said = sum(message.role == "seeker" for message in before)
        return Recalled(before[max(0, len(before) - 2 * turns) :], None, said)

    def append(self, turn: Turn) -> Turn:
        """Keeps nothing."""
        return turn

    def turns(self, conversation_id: str) -> tuple[Turn, ...]:  # noqa: ARG002 - the protocol's
        """Nothing is kept."""
        return ()

    def conversations(self) -> tuple[str, ...]:
        """Ids of the samples."""
        return tuple(self._messages)

    def close(self) -> None:
        """Nothing to let go of."""


class ReplyCache:
    """Replies by key, one JSON line each, written as they come.

    Args:
        path: The file; None keeps them in memory.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._known: dict[str, Answer] = {}
        if path is None:
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.exists():
            text = path.read_text(encoding="utf-8")
            self._known = dict(_lines(text))
            if text and not text.endswith("\n"):  # a line that a kill cut off: the next one begins anew
                path.write_text(text + "\n", encoding="utf-8")

    def get(self, key: str) -> Answer:
        """The answer, or None."""
        return self._known.get(key)

    def __contains__(self, key: str) -> bool:
        return key in self._known

    def add(self, key: str, answer: Answer) -> None:
        """Keep an answer; it is on the disk when this returns."""
        self._known[key] = answer
        if self._path is not None:
            with self._path.open("a", encoding="utf-8") as file:
                file.write(json.dumps({"format": _FORMAT, "key": key, "answer": answer}) + "\n")


def key_of(decides: Mapping[str, Any], sample: Sample) -> str:
    """SHA-256 of everything that decides a reply: system, models, settings, and what was said before."""
    content = {"decides": dict(decides), "messages": [asdict(message) for message in sample.messages]}
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


async def speak(
    agent: Agent,
    samples: Sequence[Sample],
    *,
    keys: Sequence[str],
    cache: ReplyCache,
    parallel: int,
    progress: bool = True,
) -> Answers:
    """The agent's reply to the last message of each sample: `{"reply", "strategy", "speaker", "prompt"}`.

    None, and not kept, where the LLM failed: another one's words in its place would be scored as its own.

    Args:
        agent: Its store is a `SampleStore` of these samples.
        samples: Each ends with a message of the seeker.
        keys: Of each sample (`key_of`).
        cache: Gives what is known already, gets the rest.
        parallel: Replies at once.
        progress: Show a bar with the time left, on standard error.
    """
    free = asyncio.Semaphore(parallel)
    missing = [(sample, key) for sample, key in zip(samples, keys, strict=True) if key not in cache]
    columns = (SpinnerColumn(), TextColumn("replies"), MofNCompleteColumn(), TimeRemainingColumn())
    bar = Progress(*columns, disable=not progress or not missing, console=Console(stderr=True))
    row = bar.add_task("replies", total=len(samples), completed=len(samples) - len(missing))

    async def one(sample: Sample, key: str) -> None:
        async with free:
            answer = await _reply(agent, sample)
        if answer is not None:
            cache.add(key, answer)
        bar.advance(row)

    with bar:
        await asyncio.gather(*(one(sample, key) for sample, key in missing))
    return [cache.get(key) for key in keys]


async def _reply(agent: Agent, sample: Sample) -> Answer:
    try:
        turn = await agent.respond(sample.messages[-1].text, conversation_id=sample.id)
    except GenerationError:
        return None
    if turn.reply is None or turn.reply.stood_in_for is not None:
        return None
    strategy = turn.plan.chosen.id if turn.plan is not None else None
    prompt = turn.prompt.sha256 if turn.prompt is not None else None
    return {"reply": turn.reply.text, "strategy": strategy, "speaker": turn.reply.speaker, "prompt": prompt}


def _lines(text: str) -> Iterable[tuple[str, Answer]]:
    """Keys and answers; a last line that was cut off by a kill, and other formats, are passed over."""
    for line in text.splitlines():
        try:
            row = json.loads(line)
        except ValueError:
            continue
        if isinstance(row, dict) and row.get("format") == _FORMAT:
            yield row["key"], row["answer"]
