"""What the pictures share: sizes of words, paths, colours, and the templates that they are written with.

A picture is one SVG without a script, which loads nothing. Every word is escaped, and characters that XML does not
know are taken out.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from jinja2 import Environment, PackageLoader, StrictUndefined
from rich.cells import cell_len, set_cell_size

from agent.errors import InputError, ReadingError
from agent.intake import scrub
from agent.whole_file import whole_file
from sem_plugins.ontology import ontology

__all__ = [
    "FAMILIES",
    "MINUS",
    "checked_picture",
    "count",
    "family_of",
    "flowed",
    "path_of",
    "rendered",
    "runs",
    "shortened",
    "ticks",
    "width_of",
    "write_picture",
]

MINUS = "\N{MINUS SIGN}"
_GAP = 22  # between things that are set side by side

ValueT = TypeVar("ValueT")
Point = tuple[float, float]

# At least 4.5 to 1 on white, so that they can colour text as well: Okabe and Ito's hues, darkened. Nothing is told
# by colour alone.
FAMILIES: dict[str, str] = {
    "joy": "#8a6100",
    "love": "#b0246a",
    "surprise": "#0b7350",
    "cognitive": "#0a7285",
    "neutral": "#6b7280",
    "other": "#4d5662",
    "anger": "#b4450b",
    "fear": "#7a3fa8",
    "sadness": "#0b62a8",
}
"""Primary emotion to colour, from pleasant to unpleasant; `other` is what the ontology does not know."""

_SUFFIXES = (".svg", ".html")
_GLYPH = 0.55  # width of a letter of a sans-serif face, in font sizes; most are narrower


def checked_picture(path: Path) -> Path:
    """The path.

    Raises:
        InputError: No picture has its suffix.
    """
    if path.suffix.lower() not in _SUFFIXES:
        raise InputError(f"No picture has the suffix {path.suffix!r} ({path}). Suffixes: {', '.join(_SUFFIXES)}.")
    return path


def write_picture(path: Path, svg: str, *, title: str, table: Sequence[Sequence[str]] = ()) -> None:
    """Write a picture, whole or not at all.

    Args:
        path: Its suffix says whether the SVG stands alone (`.svg`) or in a page (`.html`).
        svg: The picture.
        title: Of the page.
        table: What the page tells in words below; the first row is the head.

    Raises:
        InputError: No picture has that suffix, or it cannot be written.
    """
    page = checked_picture(path).suffix.lower() == ".html"
    text = rendered("picture.html.jinja", svg=svg, title=title, table=table) if page else svg
    with whole_file(path) as file:
        file.write(text.encode())


def rendered(template: str, **content: Any) -> str:
    """A template of `ui/templates`, filled."""
    return _environment().get_template(template).render(**content)


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("ui", "templates"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        autoescape=True,
        finalize=_drawable,
    )
    environment.filters["few"] = _few
    return environment


def _drawable(value: Any) -> Any:
    """Texts without what XML 1.0 does not allow, numbers short."""
    if hasattr(value, "__html__"):  # drawn already
        return value
    if isinstance(value, float):
        return _few(value)
    if isinstance(value, str):
        return scrub(value).replace("\ufffe", "").replace("\uffff", "")
    return value


def _few(number: float) -> str:
    """A length, to a tenth."""
    return f"{number:.1f}".removesuffix(".0")


def count(number: int, thing: str) -> str:
    """E.g. "1 turn", "1,200 turns"."""
    return f"{number:,} {thing}{'s' * (number != 1)}"


def width_of(text: str, size: float = 12) -> float:
    """About how wide a text is drawn, in pixels; wide scripts count twice."""
    return cell_len(text) * size * _GLYPH


def shortened(text: str, width: float, size: float = 12) -> str:
    """A text on one line that is no wider than so many pixels."""
    line = " ".join(scrub(text).split())
    cells = max(1, int(width / (size * _GLYPH)))
    return line if cell_len(line) <= cells else set_cell_size(line, cells - 1).rstrip() + "…"


def flowed(widths: Iterable[float], *, left: float, right: float) -> list[tuple[float, int]]:
    """Left edge and line of each thing that is set one after the other between two margins."""
    places: list[tuple[float, int]] = []
    x, line = left, 0
    for width in widths:
        if x + width > right and x > left:
            x, line = left, line + 1
        places.append((x, line))
        x += width + _GAP
    return places


def runs(values: Sequence[ValueT | None]) -> list[list[tuple[int, ValueT]]]:
    """Stretches without a gap, each value with its place."""
    found: list[list[tuple[int, ValueT]]] = [[]]
    for place, value in enumerate(values):
        if value is not None:
            found[-1].append((place, value))
        elif found[-1]:
            found.append([])
    return [run for run in found if run]


def path_of(points: Iterable[Point], *, closed: bool = False) -> str:
    """`d` of a line through points."""
    drawn = "L".join(f"{_few(x)} {_few(y)}" for x, y in points)
    return f"M{drawn}{'Z' if closed else ''}"


@cache
def family_of(label_set: str, label: str) -> str:
    """The primary emotion that a label lies nearest; `other` where the ontology does not know it."""
    try:
        shares = ontology().project({label: 1.0}, label_set=label_set)
    except ReadingError:
        return "neutral" if label == "neutral" else "other"
    found = max(shares, key=lambda node: shares[node])
    return found if found in FAMILIES else "other"


def ticks(number: int, room: float, *, needed: float = 34) -> list[int]:
    """Places from 0 to `number` - 1 that have room for their numbers, at round distances."""
    each = max(1, math.ceil(number * needed / max(1.0, room)))
    scale = 10 ** int(math.log10(each))
    step = next(scale * factor for factor in (1, 2, 5, 10) if scale * factor >= each)
    return [0, *range(step - 1, number, step)] if step > each else list(range(0, number, step))
