"""Answers that cost something, asked for several at once and each paid for once.

An answer is kept under a key of everything that decides it. A run that was killed asks for what is missing and
for nothing else, and gives the same file in the end.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from evals.task import Answer, Answers, Sample
from sem_plugins.training.counted import counted

__all__ = ["AnswerCache", "Bar", "key_of", "once"]

_FORMAT = 1  # of the cache; another one is not read


class AnswerCache:
    """Answers by key, one JSON line each, written as they come.

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


@dataclass(frozen=True, slots=True)
class Bar:
    """What the progress bar says, on standard error, with the time left.

    Attributes:
        what: Of what there are so many, e.g. `"replies"`.
        score: How right an answer is, from 0 to 1, whose mean is shown as the run goes on; None where nothing
            can be said of a single answer.
        shown: Whether there is a bar at all.
    """

    what: str
    score: Callable[[Sample, Mapping[str, Any]], float | None] | None = None
    shown: bool = True


def key_of(decides: Mapping[str, Any], sample: Sample) -> str:
    """SHA-256 of everything that decides an answer: system, models, settings, and what was said before."""
    content = {"decides": dict(decides), "messages": [asdict(message) for message in sample.messages]}
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


async def once(
    answer: Callable[[Sample], Awaitable[Answer]],
    samples: Sequence[Sample],
    *,
    keys: Sequence[str],
    cache: AnswerCache,
    parallel: int,
    bar: Bar,
) -> Answers:
    """The answer to each sample, from the cache where it is known.

    None, for a sample that could not be answered, is not kept: the next run asks again.

    Args:
        answer: Asked for what is missing.
        samples: In the order of the answers.
        keys: Of each sample (`key_of`).
        cache: Gives what is known already, gets the rest.
        parallel: Answers that are asked for at once.
        bar: What to show meanwhile.
    """
    free = asyncio.Semaphore(parallel)
    missing = [(sample, key) for sample, key in zip(samples, keys, strict=True) if key not in cache]
    scores: list[float] = []

    def note(sample: Sample, found: Answer) -> None:
        score = bar.score(sample, found) if bar.score is not None and found is not None else None
        if score is not None:
            scores.append(score)

    for sample, key in zip(samples, keys, strict=True):
        if key in cache:
            note(sample, cache.get(key))
    known = len(samples) - len(missing)
    with counted(bar.what, len(samples), done=known, shown=bar.shown and bool(missing)) as advance:

        async def one(sample: Sample, key: str) -> None:
            async with free:
                found = await answer(sample)
            if found is not None:
                cache.add(key, found)
            note(sample, found)
            advance(f"right {sum(scores) / len(scores):.1%}" if scores else "")

        await asyncio.gather(*(one(sample, key) for sample, key in missing))
    return [cache.get(key) for key in keys]


def _lines(text: str) -> Iterable[tuple[str, Answer]]:
    """Keys and answers; a last line that was cut off by a kill, and other formats, are passed over."""
    for line in text.splitlines():
        try:
            row = json.loads(line)
        except ValueError:
            continue
        if isinstance(row, dict) and row.get("format") == _FORMAT:
            yield row["key"], row["answer"]
