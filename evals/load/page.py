"""Figures of load as JSON, as a page, and as the table of the README."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from agent.errors import DataError
from evals.load.finding import Finding
from evals.pages import put_between

__all__ = ["HEADLINES", "page", "put", "read", "shown", "table", "told", "with_part"]

BEGIN = "<!-- load: written by `make load` -->"
END = "<!-- end of load -->"

_STORES = ("SQLite", "Postgres")
DISTURBED = 0.25
"""Cores in use by others from which that is said beside figures."""

HEADLINES: Mapping[str, str] = {
    **{
        f"{store}, {way}, {sent}: {what}": f"32 conversations, {sent}, {way}, {store}: {what}"
        for store in _STORES
        for way, sent, what in (
            ("plain", "64 messages/s sent", "turns"),
            ("plain", "64 messages/s sent", "p99"),
            ("streamed", "64 messages/s sent", "p99"),
            ("plain", "as fast as it goes", "turns"),
            ("one process, plain", "as fast as it goes", "turns"),
        )
    },
    "added until the first token came, p50": "added to an LLM at 16 at once, until the first token, p50",
    "added until the end, p50": "the same, until the end, p50",
    "1,000 streams open: memory, RSS": "memory with 1,000 idle streams open",
    **{f"{store}: ratio of these": f"a turn after 2,000 beside one after 20, {store}" for store in _STORES},
    "memory, growth over the later half, per 1,000 turns": "growth of memory in a long run, per 1,000 turns",
    **{
        f"{store}: {what}": f"{words}, {store}"
        for store in _STORES
        for what, words in (
            ("acknowledged turns that are lost", "killed under load: acknowledged turns that are lost"),
            ("turns that are there twice", "the same: turns that are there twice"),
        )
    },
}
"""Findings that stand in the README, and their words there."""

_ABOUT = {
    "sustained": (
        "32 conversations at once over HTTP (keep-alive), each turn stored; no LLM; a worker for each core "
        "(`--workers`), or one process. Times of messages that are sent at a pace of ours count from when they "
        "were due. Whoever asks runs on the same cores, and nothing is pinned."
    ),
    "added": (
        "The same messages to the same fake LLM, directly and through Heartline (streamed, stored; a worker for "
        "each core), 16 at once, whose first messages are spread over the time of a reply; medians of the "
        "differences, with 95% intervals over conversations. The guard lets whole sentences through: until the "
        "first token came leaves that wait out, and the first sentence is measured on both sides."
    ),
    "idle": ("Streams that an LLM began and holds; others talk meanwhile."),
    "length": (
        "One turn at a time over HTTP, in a long conversation and in short ones by turns; 95% interval of "
        "the ratio of medians."
    ),
    "soak": (
        "Stored turns, plain and streamed, stateless ones and clients that leave, 8 conversations at a steady "
        "pace. Memory is judged by the slope of RSS over turns in the later half of the run: least squares, with "
        "a 95% interval over stretches of time. Of what is kept in memory, results of the encoder are full after "
        "some 900 turns (11 MB), and where stateless talks stand (3 MB) after 2,000 of those, which come first "
        "and are not counted."
    ),
    "crash": (
        "`kill -9` while 16 conversations go on, then a new start on the same store; what clients were told "
        "is held against what is stored."
    ),
}


def with_part(
    known: Mapping[str, Any], part: str, store: str, found: list[Finding], where: Mapping[str, Any]
) -> dict[str, Any]:
    """The figures with those of a part on a store in place of older ones; others stay.

    Args:
        known: Part to store to what was measured.
        part: Its name.
        store: Its name.
        found: What was measured.
        where: `date`, `machine`, and how many cores others used just before (`busy`).
    """
    measured = {
        **where,
        "findings": [{name: _number(value) for name, value in asdict(one).items()} for one in found],
    }
    return {**known, part: {**known.get(part, {}), store: measured}}


def _number(value: Any) -> Any:
    """JSON knows no NaN."""
    return None if isinstance(value, float) and math.isnan(value) else value


def told(finding: Mapping[str, Any]) -> str:
    """A number with its unit and interval."""
    if finding["value"] is None:
        return "nothing measured"
    unit = f" {finding['unit']}" if finding["unit"] else ""
    interval = "" if finding["low"] is None else f" ({_short(finding['low'])} to {_short(finding['high'])})"
    return f"{_short(finding['value'])}{unit}{interval}"


def _short(value: float) -> str:
    """Three digits that count, or all of a whole number."""
    whole = abs(value) >= 100 or value == int(value)  # noqa: PLR2004
    return f"{value:,.0f}" if whole else f"{value:#.3g}".rstrip(".")


def shown(finding: Mapping[str, Any]) -> str:
    """What was aimed at, and whether it was met."""
    return f"{finding['aim']}: {'met' if finding['met'] else 'missed'}" if finding["aim"] else ""


def page(figures: Mapping[str, Any], missing: Mapping[str, str]) -> str:
    """All figures as Markdown.

    Args:
        figures: Part to store to what was measured.
        missing: What was not measured, and why.
    """
    lines = ["# Load", "", "Written by `make load`; what is measured, and how, stands in `evals/load/`."]
    lines += [line for name, why in missing.items() for line in ("", f"{name}: not measured ({why}).")]
    for part, about in _ABOUT.items():
        if part not in figures:
            continue
        lines += ["", f"## {part.capitalize()}", "", about]
        for one in figures[part].values():
            where = ", ".join(f"{name} {value}" for name, value in one["machine"].items())
            lines += [
                "",
                f"Measured {one['date']}: {where}.{_disturbed([one])}",
                "",
                "| what | measured | aim |",
                "| --- | --- | --- |",
            ]
            lines += [f"| {row['name']} | {told(row)} | {shown(row)} |" for row in one["findings"]]
    return "\n".join([*lines, ""])


def table(figures: Mapping[str, Any]) -> str:
    """The README's table, with the marks around it; nothing stands there that was not measured."""
    rows = {row["name"]: row for stores in figures.values() for one in stores.values() for row in one["findings"]}
    cells = [
        f"| {words} | {told(rows[name])} | {shown(rows[name])} |"
        for name, words in HEADLINES.items()
        if name in rows
    ]
    note = _disturbed([one for stores in figures.values() for one in stores.values()])
    return "\n".join([BEGIN, "| load | measured | aim |", "| --- | --- | --- |", *cells]) + f"{note}\n{END}"


def _disturbed(measured: Sequence[Mapping[str, Any]]) -> str:
    """What has to be said of figures that were taken while others used the machine; empty where they did not."""
    most = max((one["busy"] for one in measured), default=0.0)
    if most < DISTURBED:
        return ""
    return f"\n\nOther processes used {most:.1f} cores when this was measured: figures of speed say little."


def put(readme: str, figures: Mapping[str, Any]) -> str:
    """The README with the table in its place.

    Raises:
        DataError: It has no such place.
    """
    return put_between(readme, BEGIN, END, part=table(figures))


def read(path: Path) -> dict[str, Any]:
    """Figures of a file; none where it is not there.

    Raises:
        DataError: It is no JSON.
    """
    if not path.exists():
        return {}
    try:
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise DataError(f"{str(path)!r} is no JSON. Remove it, and measure all parts again.") from error
    return found
