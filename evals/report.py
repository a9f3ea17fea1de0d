"""`heartline eval report`: results as one page, or as tables for papers and programs.

The page is a single file without a script. It loads nothing, has its charts as SVG and tables of its own, and
says in its policy that it may load nothing. The same results give the same bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from types import MappingProxyType

from jinja2 import Environment, PackageLoader, StrictUndefined, Template

from agent.errors import SettingsError
from evals.report_charts import PARTS
from evals.report_content import PER_LABEL, Report, report_of
from evals.report_tables import as_csv, as_json, as_latex, as_markdown
from evals.result import Result
from sem_plugins.training.cells import shown

__all__ = ["as_html", "checked_suffix", "write_report"]

_COLOURS = 6  # of results in charts; a seventh result gets the first one's


def as_html(report: Report) -> str:
    """The page. Every word from a result file is escaped."""
    return _template().render(report=report, per_label=PER_LABEL, parts=PARTS, colours=_COLOURS)


@cache
def _template() -> Template:
    templates = Environment(
        loader=PackageLoader("evals", "templates"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        autoescape=True,
    )
    templates.filters |= {"shown": shown, "few": _few, "percent": _percent}
    return templates.get_template("report.html.jinja")


_WRITERS: Mapping[str, Callable[[Report], str]] = MappingProxyType(
    {".csv": as_csv, ".html": as_html, ".json": as_json, ".md": as_markdown, ".tex": as_latex}
)
"""Suffix to what makes the text of such a file."""


def checked_suffix(path: Path) -> str:
    """The suffix of a report, in small letters.

    Raises:
        SettingsError: No report has it.
    """
    suffix = path.suffix.lower()
    if suffix not in _WRITERS:
        raise SettingsError(f"No report has the suffix {path.suffix!r} ({path}). Suffixes: {', '.join(_WRITERS)}.")
    return suffix


def write_report(path: Path, results: Sequence[Result], *, force: bool = False) -> None:
    """Write a report of results.

    Args:
        path: Its suffix says what kind: `.html`, `.md`, `.tex`, `.csv` or `.json`.
        results: At least one.
        force: Although their signatures say that they may not stand side by side.

    Raises:
        SettingsError: No report has that suffix, or the file cannot be written.
        DataError: The results may not stand side by side.
    """
    text = _WRITERS[checked_suffix(path)](report_of(results, force=force))
    beside = path.with_name(path.name + ".part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # JSON can spell half a character; a page cannot.
        beside.write_text(text, encoding="utf-8", errors="replace")
        beside.replace(path)
    except OSError as error:
        raise SettingsError(f"Report {str(path)!r} cannot be written ({error.strerror}).") from error


def _few(number: float) -> str:
    """A length in a drawing, to a tenth."""
    return f"{number:.1f}".removesuffix(".0")


def _percent(share: float) -> str:
    return f"{share * 100:.1f}"
