"""How often the shipped verifier objects to what people wrote, and how long a look takes.

    python -m evals.verify_rates --data DIR

Replies of ESConv's supporters, with the strategies that they said they followed as the plan, go through every
check as a draft would: the opening first, then sentence by sentence. What is found is a false alarm. Beside
it the same for replies that answered somebody else, a control: `plan` and `empathy` should find more there.

How often it objects to an LLM, and whether second drafts are better, is for `heartline eval` to say.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from rich.table import Table

from agent.build import build_perception
from agent.decisions import Plan, RankedStrategy
from agent.sentences import Portions
from agent.settings import load_settings
from agent.turn import Turn
from sem_plugins.labels import ESCONV
from sem_plugins.training.cells import page
from sem_plugins.training.intervals import Estimate, Measure
from sem_plugins.training.measure.reading import on_every_core
from sem_plugins.training.sets.esconv import supporter_turns
from sem_plugins.training.sets.records import data_folder
from sem_plugins.verify.checks import FEEDBACK, Checks, create
from strategies.taxonomy import esconv

__all__ = ["Rates", "answered", "portions_of", "rates"]

_TIMED = 300


@dataclass(frozen=True, slots=True)
class Rates:
    """What was found.

    Attributes:
        own: Check to the share of replies in which it found something at least once.
        others: The same where each message is answered by what answered one of another dialogue.
        milliseconds: Of each timed look at an opening, nothing of it read before.
    """

    own: dict[str, Estimate]
    others: dict[str, Estimate]
    milliseconds: Sequence[float]


def rates(data: Path, *, part: str = "valid", limit: int | None = None) -> Rates:
    """Every check on every reply that answers a seeker.

    Args:
        data: The prepared data sets.
        part: Which file.
        limit: Only the first replies.

    Raises:
        DataError: The data set is missing or malformed.
    """
    settings = load_settings(plugins=("affect",), threads=1)
    verifier = create(settings)
    turns = answered(data, part)[:limit]
    perception = build_perception(settings)
    read = on_every_core(lambda pair: perception.read([pair[0]])[0], turns, name="messages")
    replies = [reply for _, reply in turns]
    shift = len(replies) // 2  # far away in the file: another dialogue
    strangers = [*replies[shift:], *replies[:shift]]
    own = on_every_core(
        lambda pair: _found(verifier, *pair), list(zip(read, replies, strict=True)), name="replies"
    )
    others = on_every_core(
        lambda pair: _found(verifier, *pair), list(zip(read, strangers, strict=True)), name="others' replies"
    )
    groups = np.array([turn.conversation_id for turn in read])
    return Rates(
        {name: _share(own, groups, name) for name in ("any", *FEEDBACK)},
        {name: _share(others, groups, name) for name in ("any", *FEEDBACK)},
        [_timed(verifier, turn, reply) for turn, reply in list(zip(read, replies, strict=True))[:_TIMED]],
    )


def answered(data: Path, part: str) -> list[tuple[Turn, str]]:
    """Each message of a seeker with the answer that came next, whose strategy is the plan."""
    taxonomy, found = esconv(), []
    for example in supporter_turns(data, part):
        *history, last = example.messages
        if last.role != "seeker" or not last.text.strip():
            continue
        strategy = taxonomy[ESCONV.labels[example.targets["strategy"]]]
        ranked = (RankedStrategy(strategy.id, 1.0),)
        plan = Plan(taxonomy.id, ranked, strategy, "exploration", "It was done.", "people")
        turn = Turn("", example.group, len(history) // 2, last.text, tuple(history))
        found.append((replace(turn, plan=plan), str(example.targets["reply"])))
    return found


def portions_of(reply: str) -> Iterator[str]:
    """Each draft that a verifier is shown of a reply."""
    portions, draft = Portions(), ""
    for portion in (*portions.push(reply), *portions.finish()):
        draft += portion
        yield draft


def _found(verifier: Checks, turn: Turn, reply: str) -> frozenset[str]:
    return frozenset(name for draft in portions_of(reply) for name in verifier.found(turn, draft))


def _share(found: Sequence[frozenset[str]], groups: np.ndarray, name: str) -> Estimate:
    rows = np.array([bool(one) if name == "any" else name in one for one in found], float)
    return Measure(np.mean, groups, (rows,)).estimate()


def _timed(verifier: Checks, turn: Turn, reply: str) -> float:
    opening = next(portions_of(reply))
    started = time.perf_counter()
    verifier.check(turn, f"{opening} ", whole=False)  # the space: else it is remembered
    return (time.perf_counter() - started) * 1000


def main(
    data: Annotated[Path | None, typer.Option(help="Folder of prepared sets; default: HEARTLINE_DATA.")] = None,
    limit: Annotated[int | None, typer.Option(min=2, help="Only the first replies.")] = None,
) -> None:
    """Print the rates."""
    found = rates(data_folder(data), limit=limit)
    table = Table(box=None, padding=(0, 2, 0, 0))
    for column in ("check", "finds in replies as given (95%)", "in replies to somebody else"):
        table.add_column(column)
    for name, own in found.own.items():
        table.add_row(name, _cell(own), _cell(found.others[name]))
    console = page()
    console.print(f"ESConv valid, n = {found.own['any'].n:,}")
    console.print(table)
    cuts = statistics.quantiles(found.milliseconds, n=100, method="inclusive")
    console.print(f"one look at an opening: p50 {cuts[49]:.1f} ms, p99 {cuts[98]:.1f} ms (one thread)")


def _cell(estimate: Estimate) -> str:
    return f"{estimate.value:.1%} ({estimate.low:.1%} to {estimate.high:.1%})"


if __name__ == "__main__":
    typer.run(main)
