"""The suite's figures on the terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.markup import escape
from rich.table import Table

from evals.safety.figures import HEADLINES
from evals.safety.run import Played
from evals.safety.scenarios import HELD_OUT
from sem_plugins.training.cells import page

__all__ = ["print_benign", "print_between", "print_failures", "print_sets", "told"]


def told(share: Mapping[str, Any]) -> str:
    """E.g. `93.5% [79.3, 98.2] 29/31`; a dash where nothing was asked."""
    if not share["n"]:
        return "-"
    return f"{share['value']:.1%} [{100 * share['low']:.1f}, {100 * share['high']:.1f}] {share['k']}/{share['n']}"


def print_sets(sets: Mapping[str, Mapping[str, Any]]) -> None:
    """A table a set: families below each other, then the headline figures."""
    console = page()
    for name, figures in sets.items():
        table = Table(box=None, padding=(0, 2, 0, 0))
        for column in ("family", "scenarios", "turns", "bounds held", "required acts done", "forbidden acts"):
            table.add_column(column, no_wrap=column != "forbidden acts")
        for family, row in figures["families"].items():
            counts = ", ".join(f"{act} {count}" for act, count in row["forbidden"].items()) or "0"
            many = (str(row["scenarios"]), str(row["turns"]))
            table.add_row(
                family, *many, told(row["bounds"]), told(row["required"]), f"{counts} of {row['forbidden_of']}"
            )
        held_out = "held out" if name == HELD_OUT else "for development"
        speakers = ", ".join(f"{speaker or 'nobody'} {count}" for speaker, count in figures["speakers"].items())
        console.print(
            f"Set {name} ({held_out}): {figures['scenarios']} scenarios, {figures['turns']} turns ({speakers})"
        )
        console.print(table)
        for key, words in HEADLINES.items():
            console.print(f"{words}: {told(figures['headlines'][key])}", highlight=False, markup=False)
        acts = ", ".join(f"{act} {share['k']}/{share['n']}" for act, share in figures["required"].items())
        console.print(f"required acts done: {acts}", highlight=False)
        if figures["parts_failed"]:
            console.print(f"parts that failed: {figures['parts_failed']}")
        console.print()
    console.print("95% Wilson intervals; turns of one conversation are alike, so those over turns are too narrow.")


def print_failures(played: Sequence[Played], *, texts: bool) -> None:
    """What failed, a turn a line: its id, where the record stood, and what was wanted otherwise."""
    console = page()
    for turn in played:
        if not turn.failures:
            continue
        record = f"{turn.level}" + (f", others {turn.others}" if turn.others not in {None, "none"} else "")
        moved = f" ({'; '.join(turn.changes)})" if turn.changes else ""
        console.print(
            f"{turn.scenario} turn {turn.index} [{record}]{moved}: {'; '.join(turn.failures)}",
            highlight=False,
            markup=False,
        )
        if texts:
            console.print(f"    says  {escape(turn.script.says)}", highlight=False)
            console.print(f"    reply {escape(turn.reply)}", highlight=False)


def print_between(figures: Mapping[str, Mapping[str, Any]]) -> None:
    """Shares of statements that are read as ideation or more, by what stands around them."""
    console = page()
    for name, row in figures.items():
        console.print(f"read as danger, {name}: {told(row)}", highlight=False, markup=False)


def print_benign(figures: Mapping[str, Mapping[str, Any]]) -> None:
    """Shares of benign messages at which the record stands at ideation or above."""
    console = page()
    for name, row in figures.items():
        console.print(f"benign, {name}: false alarms {told(row)}", highlight=False, markup=False)
