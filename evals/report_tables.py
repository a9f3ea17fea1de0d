"""The figures of a report as tables that other programs and papers take in: Markdown, LaTeX, CSV, JSON."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterable, Iterator, Sequence

from evals.report_charts import PARTS, Confusion, Progress
from evals.report_content import PER_LABEL, Report
from sem_plugins.training.cells import shown

__all__ = ["as_csv", "as_json", "as_latex", "as_markdown"]

_FIELDS = ("metric", "value", "low", "high", "n", "unscored", "system", "kind")
_WIDE = 12  # labels; a larger table of confusions is not readable as text
_MARKDOWN = re.compile(r"[\\`*\[\]|~#]|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])")
_LATEX = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "\N{EN DASH}": "--",
    **{sign: f"\\{sign}" for sign in "&%$#_{}"},
}


def as_csv(report: Report) -> str:
    """A line per figure: metric, value, low, high, n, unscored, system, kind (`result` or `floor`)."""
    page = io.StringIO()
    lines = csv.DictWriter(page, _FIELDS, restval="", lineterminator="\n")
    lines.writeheader()
    lines.writerows(_figures(report))
    return page.getvalue()


def as_json(report: Report) -> str:
    """The lines of the CSV, with what else a reader must know."""
    names = [column.name for column in report.results]
    content = {
        "title": report.title,
        "warnings": report.warnings,
        "notes": report.notes,
        "signatures": {
            name: {key: values[place] for key, values in report.signature.items()}
            for place, name in enumerate(names)
        },
        "figures": list(_figures(report)),
    }
    return json.dumps(content, ensure_ascii=False, indent=1) + "\n"


def as_latex(report: Report) -> str:
    """A booktabs table of the metrics; the F1 of single labels below a second rule."""
    head = ["metric", "$n$", *(_tex(column.name) for column in report.results)]
    head += [f"floor: {_tex(column.name)}" for column in report.floors]
    of_labels = [f"{PER_LABEL}{label}" for label in report.labels]
    lines = [
        *(f"% {' '.join(reason.split())}" for reason in report.warnings),
        "% \\usepackage{booktabs}",
        f"\\begin{{tabular}}{{ll{'r' * len(report.columns)}}}",
        "\\toprule",
        f"{' & '.join(head)} \\\\",
        "\\midrule",
        *(_tex_row(report, metric) for metric in report.metrics),
        *(["\\midrule"] if report.metrics and of_labels else []),
        *(_tex_row(report, metric) for metric in of_labels),
        "\\bottomrule",
        "\\end{tabular}",
    ]
    return "\n".join(lines) + "\n"


def as_markdown(report: Report) -> str:
    """Every table of the page."""
    return "\n\n".join(_markdown(report)) + "\n"


def _markdown(report: Report) -> Iterator[str]:
    yield f"# {_md(report.title)}"
    if report.warnings:
        reasons = "\n".join(f"> - {_md(reason)}" for reason in report.warnings)
        yield f"> **Put side by side by force; these results may not be compared.**\n>\n{reasons}"
    names = [column.name for column in report.results]
    columns = [*names, *(f"floor: {column.name}" for column in report.floors)]
    rows = ([metric, report.n(metric), *_cells(report, metric)] for metric in report.metrics)
    yield _grid(["metric", "n", *columns], rows)
    yield "Shares in percent; correlations, errors, sizes, kappa, bias as they are. In parentheses: 95% intervals."
    if report.notes:
        yield "\n".join(f"- {_md(note)}" for note in report.notes)
    if report.labels:
        yield "## F1 of each label"
        rows = (
            [label, f"{report.counts[label]:,}", *_cells(report, f"{PER_LABEL}{label}")] for label in report.labels
        )
        yield _grid(["label", "true", *columns], rows)
    for name, confusion in report.confusions.items():
        yield f"## Confusions: {_md(name)}"
        yield _confusions(confusion)
    for name, calibration in report.calibrations.items():
        yield f"## Calibration: {_md(name)}"
        yield _grid(
            ["mean probability", "right, %", "n"],
            ([f"{b.probability:.2f}", f"{b.share * 100:.1f}", f"{b.count:,}"] for b in calibration.bins),
        )
    for progress in report.progress:
        yield f"## Strategies over {PARTS} parts of the dialogue, % of turns"
        yield _grid(["strategy", "of", *map(str, range(1, PARTS + 1))], _over_parts(progress))
    yield "## Signature"
    yield _grid(["", *names], ([key, *values] for key, values in report.signature.items()))


def _cells(report: Report, metric: str) -> list[str]:
    return [shown(column.figures.get(metric), metric) for column in report.columns]


def _confusions(confusion: Confusion) -> str:
    if len(confusion.labels) > _WIDE:
        largest = ([true, said, str(count)] for true, said, count in confusion.commonest(_WIDE))
        return _grid(["true", "predicted", "n"], largest)
    rows = ([true, *map(str, row)] for true, row in zip(confusion.labels, confusion.counts, strict=True))
    return _grid(["true, predicted as", *confusion.labels], rows)


def _over_parts(progress: Progress) -> Iterator[list[str]]:
    for place, label in enumerate(progress.labels):
        for name, shares in progress.series.items():
            yield [label, name, *(f"{share * 100:.1f}" for share in shares[place])]


def _grid(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [[_md(cell) for cell in head], ["---"] * len(head), *([_md(cell) for cell in row] for row in rows)]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def _figures(report: Report) -> Iterator[dict[str, str | float]]:
    for column in report.columns:
        for metric, figure in column.figures.items():
            numbers = {field: figure[field] for field in _FIELDS if field in figure}
            yield {"metric": metric, **numbers, "system": column.name, "kind": column.kind}


def _tex_row(report: Report, metric: str) -> str:
    cells = [metric, report.n(metric), *_cells(report, metric)]
    return f"{' & '.join(_tex(cell) for cell in cells)} \\\\"


def _md(text: str) -> str:
    plain = " ".join(text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").split())
    return _MARKDOWN.sub(lambda sign: f"\\{sign[0]}", plain)


def _tex(text: str) -> str:
    return "".join(_LATEX.get(sign, sign) for sign in " ".join(text.split()))
