"""Reports of results: what stands in them, what is refused, and what a hostile file cannot do."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Mapping
from html.parser import HTMLParser
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from agent.errors import DataError, SettingsError
from evals.report import as_html, write_report
from evals.report_charts import calibration_of, confusion_of, progress_of
from evals.report_content import report_of
from evals.report_tables import as_csv, as_json, as_latex, as_markdown
from evals.result import Result, write_result
from tests.ui.faces import heartline

STRATEGIES = "esconv/next-strategy"
HOSTILE = '</style><script>alert("&")</script>|a_b%\n=1'
TURNS = ([("question", "question")] * 3 + [("advice", "question")] * 3) * 2
ACCURACY = {"value": 0.5, "low": 0.4, "high": 0.625, "n": 12, "unscored": 0}


def rows(*pairs: tuple[str, str | None], length: int = 6, sure: float = 0.75) -> list[dict[str, Any]]:
    """Samples of true and predicted labels in dialogues of some length."""
    return [
        {
            "id": f"talk {place // length}#{place}",
            "group": f"talk {place // length}",
            "truth": true,
            "answer": None if said is None else {"label": said, "probabilities": {said: sure, "none": 1 - sure}},
        }
        for place, (true, said) in enumerate(pairs)
    ]


def result(
    system: str = "sem", task: str = STRATEGIES, metrics: Mapping[str, Any] | None = None, **changes: Any
) -> Result:
    """A result of twelve turns: questions in the first half of each dialogue, then advice; always a question said."""
    samples = changes.pop("samples", rows(*TURNS))
    floors = changes.pop("floors", {"majority": {"accuracy": {"value": 0.25, "n": 12, "unscored": 0}}})
    signature = {
        "task": task, "task_version": 1, "data": "esconv/autumn.jsonl", "data_sha256": "ab" * 32, "split": "autumn",
        "limit": None, "n": len(samples), "system": system, "weights": "small-1", "weights_sha256": "cd" * 32,
    } | changes.pop("signature", {})  # fmt: skip
    metrics = metrics or {
        "accuracy": ACCURACY,
        "f1_question": {"value": 0.667, "n": 12, "unscored": 0},
        "f1_advice": {"value": 0.0, "low": 0.0, "high": 0.1, "n": 12, "unscored": 0},
    }
    return Result(task, signature, metrics, floors, changes.pop("notes", ["read with care"]), samples)


def page(*results: Result, force: bool = False) -> str:
    return as_html(report_of(results, force=force))


class Tables(HTMLParser):
    """Every table of a page as rows of texts, with the attributes of all elements."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tables: list[list[list[str]]] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self._inside = False
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag == "table":
            self.tables.append([])
        if tag == "tr":
            self.tables[-1].append([])
        if tag in {"td", "th"}:
            self.tables[-1][-1].append("")
            self._inside = True

    def handle_endtag(self, tag: str) -> None:
        self._inside = self._inside and tag not in {"td", "th"}

    def handle_data(self, data: str) -> None:
        if self._inside:
            self.tables[-1][-1][-1] += data


def test_that_figures_stand_with_their_intervals_beside_other_results_and_floors():
    figures = Tables(page(result(), result("rules", metrics={"accuracy": {"value": 0.3, "n": 12}}))).tables[0]
    assert figures[0] == ["metric", "n", "sem", "rules", "floor: majority"]
    assert figures[1] == ["accuracy", "12", "50.0 (40.0–62.5)", "30.0", "25.0"]


def test_that_a_page_tells_the_signature_and_the_notes():
    text = page(result())
    assert Tables(text).tables[-1][1:4] == [
        ["task", STRATEGIES],
        ["task_version", "1"],
        ["data", "esconv/autumn.jsonl"],
    ]
    assert "ab" * 32 in text
    assert "read with care" in text


def test_that_bars_are_as_long_as_the_f1_of_their_label_and_say_how_often_it_holds():
    text = page(result())
    bars = Tables(text).tables[1]
    assert [row[:2] for row in bars[1:]] == [["question", "6"], ["advice", "6"]]
    assert 'fill" width="66.7"' in text
    assert 'class="whisker" d="M0 5H10"' in text


def test_that_confusions_are_counted_with_true_labels_in_rows():
    heat = Tables(page(result())).tables[2]
    assert heat == [
        ["true", "question", "advice", "all"],
        ["question", "6", "", "6"],
        ["advice", "6", "", "6"],
        ["all", "12", "0", "12"],
    ]


def test_that_a_page_of_32_labels_and_2700_samples_stays_small_and_holds_no_sample():
    names = [f"feeling {place}" for place in range(32)]
    many = rows(*((names[n % 32], names[n * n % 32]) for n in range(2700)))
    text = page(result(task="feelings", samples=many, metrics={"accuracy": ACCURACY}))
    heat = Tables(text).tables[1]
    assert [row[0] for row in heat[1:-1]] == sorted(names)
    assert len(text.encode()) < 300_000
    assert "talk " not in text


def test_that_calibration_tells_how_many_were_right_in_each_tenth():
    said = rows(("a", "a"), ("a", "b"), sure=0.55) + rows(("b", "b"), sure=1.0)
    found = calibration_of(said)
    assert found is not None
    assert [(b.place, round(b.probability, 2), b.share, b.count) for b in found.bins] == [
        (5, 0.55, 0.5, 2),
        (9, 1.0, 1.0, 1),
    ]
    assert "Probability 0.75: 50.0% right of 12." in page(result())


def test_that_each_item_of_a_list_of_probabilities_is_judged_by_itself():
    one = {"truth": [True, False], "answer": {"holds": [True, True], "probabilities": [0.9, 0.6]}}
    found = calibration_of([one])
    assert found is not None
    assert found.of_each
    assert [(b.place, b.share) for b in found.bins] == [(6, 0.0), (9, 1.0)]


def test_that_strategies_are_shared_out_over_the_dialogue_by_their_place_in_it():
    (found,) = progress_of([("sem", result())])
    assert found.labels == ("advice", "question")
    assert found.counts == (2,) * 6
    assert found.series["data"][1] == (1, 1, 1, 0, 0, 0)
    assert found.series["sem"][1] == (1,) * 6
    assert "question, percent of turns in 6 parts. data: 100, 100, 100, 0, 0, 0; sem: 100," in page(result())


def test_that_a_short_dialogue_is_spread_over_the_whole_of_it():
    (found,) = progress_of([("sem", result(samples=rows(*[("advice", "advice")] * 3, length=3)))])
    assert found.counts == (0, 1, 0, 1, 0, 1)


def test_that_other_tasks_have_no_strategies_over_the_dialogue():
    assert "Strategies over the dialogue" not in page(result(task="feelings"))


def test_that_what_has_no_answer_is_counted_apart():
    some = rows(("question", None), ("advice", "advice"))
    found = confusion_of(some)
    assert found is not None
    assert found.counts == ((1,),)
    assert "sem: 1 of 2 unscored" in page(result(samples=some))


@pytest.mark.parametrize("answer", [["a"], {"labels": ["a"]}, {"label": 3}, {"start": 0}])
def test_that_answers_of_another_form_have_figures_and_no_charts(answer: Any):
    text = page(result(samples=[{"id": "1", "group": "1", "truth": {"a": 1}, "answer": answer}]))
    assert "50.0 (40.0–62.5)" in text
    assert "Confusions" not in text
    assert "Calibration" not in text


def test_that_runs_of_one_system_are_told_apart_by_what_differs():
    runs = [result(), result(signature={"weights": "small-2"})]
    assert [column.name for column in report_of(runs).results] == ["sem, weights small-1", "sem, weights small-2"]


def test_that_a_floor_of_several_results_stands_once_and_two_of_one_name_are_told_apart():
    other = result("rules", floors={"majority": {"accuracy": {"value": 0.1}}})
    floors = report_of([result(), result("blend"), other]).floors
    assert [column.name for column in floors] == ["majority", "majority, of rules"]


def test_that_results_of_different_data_are_refused():
    with pytest.raises(DataError, match=r"cannot stand in one table.*split: 'autumn' and 'winter'.*`--force`"):
        report_of([result(), result("rules", signature={"split": "winter"})])


@pytest.mark.parametrize("make", [as_html, as_markdown, as_latex, as_json])
def test_that_forced_reports_say_why_the_results_may_not_be_compared(make: Any):
    text = make(report_of([result(), result("rules", signature={"split": "winter"})], force=True))
    assert re.search("split: .*autumn.* and .*winter", text)


def test_that_figures_without_numbers_are_named():
    with pytest.raises(DataError, match="Result 'sem': 'accuracy' has no numbers in value"):
        report_of([result(metrics={"accuracy": {"value": "much"}})])


def hostile() -> Result:
    return result(
        HOSTILE,
        HOSTILE,
        {HOSTILE: ACCURACY, f"f1_{HOSTILE}": ACCURACY},
        samples=[row | {"group": HOSTILE} for row in rows((HOSTILE, HOSTILE), (HOSTILE, "b"))],
        notes=[HOSTILE],
        floors={HOSTILE: {}},
        signature={"weights": HOSTILE, HOSTILE: HOSTILE},
    )


def test_that_hostile_words_stay_words_on_a_page():
    text = page(hostile())
    names = {tag for tag, _ in Tables(text).elements}
    assert "script" not in names
    assert text.count("</style>") == 1
    assert HOSTILE in {row[0] for table in Tables(text).tables for row in table}


def test_that_hostile_words_stay_within_their_cell_of_markdown_and_latex():
    report = report_of([hostile()])
    markdown = as_markdown(report)
    assert "<script" not in markdown
    grid = [line for line in markdown.splitlines() if line.startswith("|")]
    assert {len(re.findall(r"(?<!\\)\|", line)) for line in grid[:3]} == {5}
    assert r"|a\_b\% =1" in as_latex(report)
    assert r"\&" in as_latex(report)


def test_that_csv_has_a_line_per_figure_of_results_and_floors():
    lines = list(csv.DictReader(io.StringIO(as_csv(report_of([result(HOSTILE)])))))
    assert list(lines[0]) == ["metric", "value", "low", "high", "n", "unscored", "system", "kind"]
    assert list(lines[0].values()) == ["accuracy", "0.5", "0.4", "0.625", "12", "0", HOSTILE, "result"]
    assert list(lines[-1].values()) == ["accuracy", "0.25", "", "", "12", "0", "majority", "floor"]


def test_that_json_has_the_figures_and_signatures():
    content = json.loads(as_json(report_of([result()])))
    assert content["figures"][0] == {"metric": "accuracy", **ACCURACY, "system": "sem", "kind": "result"}
    assert content["signatures"]["sem"]["split"] == "autumn"


def test_that_latex_is_a_booktabs_table_with_as_many_cells_as_columns():
    text = as_latex(report_of([result(), result("rules")]))
    assert text.index(r"\toprule") < text.index(r"\midrule") < text.index(r"\bottomrule")
    table = [line for line in text.splitlines() if line.endswith(r"\\")]
    assert {line.count(" & ") for line in table} == {4}
    assert r"f1\_question & 12 & 66.7 & 66.7 & -- \\" in table


def test_that_markdown_has_the_tables_of_the_page():
    text = as_markdown(report_of([result()]))
    for line in ("| accuracy | 12 | 50.0 (40.0–62.5) | 25.0 |", "| advice | 6 | 0 |", "| 0.75 | 50.0 | 12 |"):
        assert line in text
    assert "| question | data | 100.0 | 100.0 | 100.0 | 0.0 | 0.0 | 0.0 |" in text


def test_that_a_page_loads_nothing():
    text = page(result())
    sources = [
        v for _, a in Tables(text).elements for k, v in a.items() if k in {"src", "href", "srcset", "xlink:href"}
    ]
    assert sources == ["data:,"]
    assert "default-src 'none'" in text
    assert not re.search(r"url\(|@import|https?:", text)


def test_that_every_drawing_is_named_or_hidden_and_every_scroller_can_be_reached():
    elements = Tables(page(result(), result("rules"))).elements
    ids = {attributes.get("id") for _, attributes in elements}
    for tag, attributes in elements:
        if tag == "svg":
            assert attributes.get("aria-hidden") == "true" or (
                attributes["role"] == "img" and attributes["aria-label"]
            )
        if attributes.get("class") == "scroll":
            assert attributes["tabindex"] == "0"
            assert attributes["aria-labelledby"] in ids
    assert [tag for tag, _ in elements].count("h1") == 1


def luminance(colour: str) -> float:
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def test_that_words_and_lines_stand_out_in_light_dark_and_print_as_wcag_aa_asks():
    style = files("evals").joinpath("templates/report.css.jinja").read_text(encoding="utf-8")
    schemes = [
        dict(re.findall(r"--([\w-]+): (#\w{6})", block))
        for block in re.findall(r":root \{(.*?)\}", style, re.DOTALL)
    ]
    assert len(schemes) == 3
    for scheme in schemes:
        for back in ("page", "alarm", *(f"h{shade}" for shade in range(1, 7))):
            assert contrast(scheme["ink"], scheme[back]) >= 4.5
        assert contrast(scheme["soft"], scheme["page"]) >= 4.5
        for line in range(6):
            assert contrast(scheme[f"s{line}"], scheme["page"]) >= 3
            assert contrast(scheme[f"s{line}"], scheme["track"]) >= 3


@pytest.mark.parametrize("name", ["r.html", "r.md", "r.tex", "r.csv", "r.JSON"])
def test_that_the_suffix_decides_and_the_same_results_give_the_same_bytes(tmp_path: Path, name: str):
    first, second = tmp_path / "new" / name, tmp_path / name
    for path in (first, second):
        write_report(path, [result(), result("rules")])
    assert first.read_bytes() == second.read_bytes()
    begins = {".html": "<!doctype", ".md": "# esconv", ".tex": "% \\use", ".csv": "metric,", ".json": "{"}
    assert first.read_text(encoding="utf-8").startswith(begins[first.suffix.lower()])


def test_that_a_file_that_cannot_be_written_is_named(tmp_path: Path):
    tmp_path.joinpath("taken").write_text("x", encoding="utf-8")
    with pytest.raises(SettingsError, match=r"taken.*cannot be written"):
        write_report(tmp_path / "taken" / "r.md", [result()])


def test_that_the_command_writes_a_report(tmp_path: Path):
    for system in ("sem", "rules"):
        write_result(tmp_path / f"{system}.json", result(system))
    out = tmp_path / "r.html"
    sources = [str(tmp_path / f"{system}.json") for system in ("sem", "rules")]
    done = heartline("eval", "report", *sources, "--out", str(out), home=tmp_path)
    assert done.code == 0, done.err
    assert f"Report of 2 results: {out}" in done.err
    assert out.read_text(encoding="utf-8") == page(result(), result("rules"))


@pytest.mark.parametrize(
    ("out", "second", "said"),
    [
        ("r.doc", "sem", "No report has the suffix '.doc'"),
        ("r.html", "winter", "cannot stand in one table"),
        ("r.html", "nowhere", "cannot be read"),
    ],
)
def test_that_unusable_input_is_one_line_and_status_2(tmp_path: Path, out: str, second: str, said: str):
    write_result(tmp_path / "sem", result())
    write_result(tmp_path / "winter", result(signature={"split": "winter"}))
    sources = [str(tmp_path / "sem"), str(tmp_path / second)]
    done = heartline("eval", "report", *sources, "--out", str(tmp_path / out), home=tmp_path)
    assert done.code == 2
    last = done.err.splitlines()[-1]
    assert last.startswith("Error: ")
    assert said in last
    assert "Traceback" not in done.err
    assert not (tmp_path / out).exists()
