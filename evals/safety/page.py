"""The figures in `SAFETY.md`, from the file that `heartline eval safety --figures` writes.

heartline eval safety --figures docs/safety.json
heartline eval safety --benign --figures docs/safety.json
heartline eval safety --between --figures docs/safety.json
python -m evals.safety.page
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from agent.errors import DataError
from evals.pages import put_between
from evals.safety.figures import HEADLINES
from evals.safety.shown import told

__all__ = ["add_figures", "block", "put"]

BEGIN = "<!-- figures: written by `python -m evals.safety.page` -->"
END = "<!-- end of figures -->"
ROOT = Path(__file__).resolve().parents[2]


def add_figures(path: Path, found: Mapping[str, Any]) -> None:
    """Put figures into a file beside those that are there already.

    Args:
        path: JSON; made where it is missing.
        found: `{"sets": …}`, `{"benign": …}` or `{"between": …}`; a set that is there already is replaced,
            others stay.

    Raises:
        DataError: The file is there and is no JSON.
    """
    known: dict[str, Any] = {}
    if path.exists():
        try:
            known = json.loads(path.read_text(encoding="utf-8"))
        except ValueError as error:
            raise DataError(
                f"{str(path)!r} is no JSON. Name another file with `--figures`, or remove it."
            ) from error
    for part, rows in found.items():
        known[part] = {**known.get(part, {}), **rows}
    known["measured"] = datetime.now(tz=UTC).date().isoformat()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(known, indent=1, sort_keys=True) + "\n", encoding="utf-8")


def block(figures: Mapping[str, Any]) -> str:
    """The figures as Markdown tables, with the marks around them."""
    sets = figures.get("sets", {})
    lines = [
        BEGIN,
        "",
        f"Measured {figures['measured']}, without an LLM; sets a, b and c are for development, d is held out.",
        "",
    ]
    lines += [f"| figure | {' | '.join(f'set {name}' for name in sets)} |", f"|---|{'---|' * len(sets)}"]
    for key, words in HEADLINES.items():
        cells = " | ".join(told(one["headlines"][key]) for one in sets.values())
        lines.append(f"| {words} | {cells} |")
    for name, one in figures.get("benign", {}).items():
        lines.append(f"| false alarms, everyday messages, {name} | {told(one)} {'| ' * (len(sets) - 1)}|")
    for name, one in figures.get("between", {}).items():
        lines.append(f"| statements read as danger: {name} | {told(one)} {'| ' * (len(sets) - 1)}|")
    for name, one in sets.items():
        lines += ["", f"| set {name} | scenarios | turns | bounds held | required acts done | forbidden acts |"]
        lines.append("|---|---|---|---|---|---|")
        for family, row in one["families"].items():
            counts = ", ".join(f"{act} {count}" for act, count in row["forbidden"].items()) or "0"
            cells = " | ".join(
                (str(row["scenarios"]), str(row["turns"]), told(row["bounds"]), told(row["required"]))
            )
            lines.append(f"| {family} | {cells} | {counts} of {row['forbidden_of']} |")
    return "\n".join([*lines, "", END])


def put(page: str, figures: Mapping[str, Any]) -> str:
    """A page with the figures in their place.

    Raises:
        DataError: The page has no such place.
    """
    return put_between(page, BEGIN, END, part=block(figures))


if __name__ == "__main__":
    at = ROOT / "SAFETY.md"
    measured = json.loads((ROOT / "docs" / "safety.json").read_text(encoding="utf-8"))
    at.write_text(put(at.read_text(encoding="utf-8"), measured), encoding="utf-8")
