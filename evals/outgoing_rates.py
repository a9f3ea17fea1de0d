"""How much of what must not be said the outgoing guard holds back, and how often it holds back what may be said.

    python -m evals.outgoing_rates --data DIR

The sentences are held out (`evals/safety/outgoing_held_out.toml`): no pattern was made because of one. But one
hand wrote both, so others' sentences will be found less often than the recall here says.
The good ones come close to the harmful ones on purpose, so their share is far above that of everyday talk; beside
it stands the share of what ESConv's supporters said. They are people: where they say so, it is true and no harm,
and the line `human` tells how often.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from agent.errors import DataError
from agent.safety.outgoing import load_outgoing
from agent.sentences import sentences_of
from evals.safety.figures import Share
from sem_plugins.training.cells import page
from sem_plugins.training.sets import esconv
from sem_plugins.training.sets.records import data_folder

__all__ = ["SentenceRates", "held_back", "held_out", "main", "rates", "supporter_rates"]

_KINDS = ("plain", "evasive", "good")


@dataclass(frozen=True, slots=True)
class SentenceRates:
    """Of one category, or of all of them, the shares that are held back.

    Attributes:
        plain: Of harmful sentences said plainly: recall.
        evasive: Of harmful ones with tricks of spelling or clauses in between: recall.
        good: Of good ones that come close: false blocks.
    """

    plain: Share
    evasive: Share
    good: Share

    @property
    def harmful(self) -> Share:
        """Recall of both kinds of harmful sentences together."""
        return Share(self.plain.k + self.evasive.k, self.plain.n + self.evasive.n)


@cache
def held_out() -> Mapping[str, Mapping[str, Sequence[str]]]:
    """The sentences by category and kind; read once.

    Raises:
        DataError: The file is missing or malformed.
    """
    name = "evals/safety/outgoing_held_out.toml"
    try:
        raw = tomllib.loads(files("evals.safety").joinpath("outgoing_held_out.toml").read_text("utf-8"))
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise DataError(f"{name} cannot be read. Install the package again.") from error
    for category, kinds in raw.items():
        if tuple(kinds) != _KINDS or not all(kinds.values()):
            raise DataError(f"{name}: category {category!r} needs sentences of each of {', '.join(_KINDS)}.")
    return raw


def held_back(text: str) -> str | None:
    """The category for which a sentence of a reply is held back, of the first such sentence; None: of none."""
    shown = ""
    for sentence in sentences_of(text):
        if (category := load_outgoing().found(sentence, before=shown)) is not None:
            return category
        shown += sentence
    return None


def rates(sentences: Mapping[str, Mapping[str, Sequence[str]]] | None = None) -> dict[str, SentenceRates]:
    """The shares by category, and over all of them as `"all"`.

    A harmful sentence counts as found in whichever category: it is replaced all the same.

    Args:
        sentences: By category and kind; None takes those that are held out.
    """
    sentences = held_out() if sentences is None else sentences
    found = {
        category: SentenceRates(*(Share.of(held_back(text) is not None for text in kinds[one]) for one in _KINDS))
        for category, kinds in sentences.items()
    }
    every = [*found.values()]
    found["all"] = SentenceRates(*(_sum(getattr(one, kind) for one in every) for kind in _KINDS))
    return found


def _sum(shares: Iterable[Share]) -> Share:
    several = [*shares]
    return Share(sum(share.k for share in several), sum(share.n for share in several))


def supporter_rates(folder: Path) -> dict[str, Share]:
    """The share of what ESConv's supporters say (valid part) that is held back, by category and `"all but human"`.

    Args:
        folder: The prepared data sets.

    Raises:
        DataError: The file is missing or malformed.
    """
    dialogues = esconv.outcomes(folder, "valid")
    said = [message.text for one in dialogues for message in one.messages if message.role == "supporter"]
    blocks = [held_back(text) for text in said]
    found = {
        category.name: Share.of(block == category.name for block in blocks)
        for category in load_outgoing().categories
        if not category.in_danger
    }
    return found | {"all but human": Share.of(block not in {None, "human"} for block in blocks)}


def _cell(share: Share) -> str:
    if share.value is None or share.interval is None:
        return "-"
    low, high = share.interval
    return f"{share.value:.1%} ({low:.1%} to {high:.1%}), {share.k:,}/{share.n:,}"


def main(
    data: Annotated[
        Path | None,
        typer.Option(help="Folder of prepared sets; default: HEARTLINE_DATA.", envvar="HEARTLINE_DATA"),
    ] = None,
) -> None:
    """Print the shares with 95% intervals."""
    console = page()
    table = Table(box=None, padding=(0, 2, 0, 0))
    for column in ("held out", "plain", "evasive", "recall", "false blocks, close ones"):
        table.add_column(column, no_wrap=True)
    for category, found in rates().items():
        counts = (f"{share.k}/{share.n}" for share in (found.plain, found.evasive))
        table.add_row(category, *counts, _cell(found.harmful), _cell(found.good))
    console.print(table)
    if data is None:
        console.print("ESConv's supporters: not measured, no --data and no HEARTLINE_DATA.")
        return
    table = Table(box=None, padding=(0, 2, 0, 0))
    for column in ("ESConv valid, what supporters said", "held back"):
        table.add_column(column)
    for category, share in supporter_rates(data_folder(data)).items():
        table.add_row(category, _cell(share))
    console.print(table)


if __name__ == "__main__":
    typer.run(main)
