"""`heartline data list` and `verify`: everything that is wrong with a file, and whether the weights know it."""

from __future__ import annotations

import json
import tomllib
from importlib import import_module
from pathlib import Path

import pytest
from typer.testing import CliRunner

from agent.errors import DataError
from evals.data.catalogue import TEST, data_set, data_sets
from evals.data.check import READERS, check, origin, parts_in
from evals.data.command import app
from sem_plugins.training.sets.records import sha256_of
from sem_plugins.weights import load_manifest
from tests.evals.small_sets import small_sets
from tests.sem_plugins.tiny_sets import comment, pair, support
from tests.ui.faces import heartline

RUN = CliRunner()
REGISTERED = "from ui.cli import app; from evals.data.command import app as data; app.add_typer(data, name='data')"


def _file(folder: Path, name: str, *lines: object) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    texts = [line if isinstance(line, str) else json.dumps(line) for line in lines]
    path.write_text("".join(f"{text}\n" for text in texts), encoding="utf-8")
    return folder


def _problems(folder: Path, name: str, part: str = "valid") -> list[tuple[int, str]]:
    return [(problem.line, problem.what) for problem in check(folder, data_set(name), part).problems]


def test_that_every_set_of_the_tasks_and_of_the_weights_is_in_the_catalogue_and_has_a_reader():
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    tasks = [entry.split(":") for entry in project["entry-points"]["heartline.tasks"].values()]
    wanted = {getattr(import_module(module), name).data for module, name in tasks} - {""}  # texts of its own
    wanted |= {file.partition("/")[0] for file in load_manifest().card["data"]}
    assert wanted <= set(data_sets())
    assert set(data_sets()) == set(READERS)


def test_that_every_address_is_of_a_commit_a_hash_or_a_page():
    for one in data_sets().values():
        for source in one.sources:
            pinned = source.sha256 is not None or any(len(step) == 40 for step in source.url.split("/"))
            assert pinned or source.url == one.home, source.url
            assert set(source.parts) <= set(one.records)


def test_that_a_set_nobody_knows_is_named_with_the_choices():
    with pytest.raises(DataError, match=r"No data set 'diary'. Sets: esconv, empathetic_dialogues"):
        data_set("diary")


@pytest.mark.parametrize("name", READERS)
def test_that_files_of_the_tasks_are_usable(tmp_path: Path, name: str):
    folder = small_sets(tmp_path)
    parts = parts_in(folder, data_set(name))
    assert parts
    for part in parts:
        report = check(folder, data_set(name), part)
        assert report.problems == ()
        assert report.records > 0


def test_that_all_malformed_lines_are_found_with_field_and_expectation(tmp_path: Path):
    good = [support(f"talk {n}", "It rains.", ("Still?", "Question")) for n in range(20)]
    bad = support("hugs", "It rains.", ("There.", "Hugs"))
    rows = [*good[:3], bad, *good[3:9], "{", {"dialogue_id": "empty"}, *good[9:], "[]", ""]
    assert [
        (line, what[:44]) for line, what in _problems(_file(tmp_path, "esconv/valid.jsonl", *rows), "esconv")
    ] == [
        (4, "strategy 'Hugs', expected one of: Question, "[:44]),
        (11, "not JSON: Expecting property name enclosed i"),
        (12, "`turns` is missing, expected: a list of turn"),
        (24, "a JSON object is expected, found list"),
        (25, "an empty line"),
    ]


def test_that_a_text_of_another_kind_is_named(tmp_path: Path):
    _file(tmp_path, "goemotions/valid.jsonl", comment("Thanks"), {"id": "two", "text": 2, "labels": []})
    assert _problems(tmp_path, "goemotions") == [(2, "`text` is int, expected a string")]


def test_that_unknown_labels_are_found(tmp_path: Path):
    _file(tmp_path, "goemotions/valid.jsonl", comment("Thanks", "gratitude"), comment("Hm", "smugness"))
    _file(tmp_path, "cssrs_reddit/dev.jsonl", {"id": "user", "label": "unsure", "posts": ["Eat well."]})
    _file(tmp_path, "epitome/valid.jsonl", pair("My cat is ill.", "Oh no.", 3, 0, 0))
    assert _problems(tmp_path, "goemotions") == [(2, "'smugness' is not a label of `goemotions-28`")]
    assert _problems(tmp_path, "cssrs_reddit", "dev") == [
        (1, "`label` is 'unsure', expected: supportive, indicator, ideation, behavior or attempt")
    ]
    assert _problems(tmp_path, "epitome") == [(1, "levels (3, 0, 0), expected 0, 1 or 2")]


def test_that_numbers_outside_their_scale_are_found(tmp_path: Path):
    row = {"id": "one", "text": "A day.", "valence": 3, "arousal": 3, "dominance": 3}
    rows = [row, row | {"id": "two", "arousal": 5.5}, row | {"id": "three", "valence": "high"}]
    _file(tmp_path, "emobank/valid.jsonl", *rows)
    assert _problems(tmp_path, "emobank") == [
        (2, "`arousal` is 5.5, expected: a number from 1 to 5"),
        (3, "a number is expected in each of `valence`, `arousal`, `dominance`"),
    ]


def test_that_ids_that_stand_twice_are_found(tmp_path: Path):
    _file(tmp_path, "goemotions/valid.jsonl", comment("Thanks"), comment("Bye"), comment("Thanks"))
    assert _problems(tmp_path, "goemotions") == [(3, "`id` 'Thanks' stands on line 1 too")]


def test_that_a_file_that_is_not_utf_8_is_unusable_where_it_is_not(tmp_path: Path):
    _file(tmp_path, "goemotions/valid.jsonl", comment("Thanks"))
    with (tmp_path / "goemotions/valid.jsonl").open("ab") as file:
        file.write(b'{"id": "two", "text": "caf\xe9", "labels": []}\n')
    assert _problems(tmp_path, "goemotions") == [(2, "not UTF-8")]


def test_that_an_empty_file_is_unusable(tmp_path: Path):
    assert _problems(_file(tmp_path, "goemotions/valid.jsonl"), "goemotions") == [(1, "the file is empty")]


def test_that_empty_texts_and_other_counts_are_noted_and_leave_it_usable(tmp_path: Path):
    _file(tmp_path, "esconv/valid.jsonl", support("one", "Hm."), support("two", " ", ("Yes?", "Question")))
    report = check(tmp_path, data_set("esconv"), "valid")
    assert report.problems == ()
    assert report.notes == (
        "195 records were published",
        "`turns.text` is empty in 1 of the records, first on line 2",
    )


def test_that_a_file_is_told_from_the_one_that_was_trained_on(tmp_path: Path):
    _file(tmp_path, "goemotions/valid.jsonl", comment("Thanks"))
    report = check(tmp_path, data_set("goemotions"), "valid")
    same = {"goemotions/valid.jsonl": sha256_of(tmp_path / "goemotions/valid.jsonl")}
    assert origin(report, same) == "as trained on"
    assert origin(report, {"goemotions/valid.jsonl": "0" * 64}) == "another version"
    assert origin(report, {}) == "not trained on"


def test_that_usable_files_are_status_0_and_what_is_not_here_is_told(tmp_path: Path):
    _file(tmp_path, "goemotions/valid.jsonl", comment("Thanks"))
    done = RUN.invoke(app, ["verify", "--data", str(tmp_path)])
    assert done.exit_code == 0, done.output
    assert "goemotions/valid.jsonl" in done.output
    assert "another version" in done.output
    assert "not here: esconv, " in done.output


def test_that_an_unusable_file_is_status_2_and_shows_no_more_problems_than_asked_for(tmp_path: Path):
    _file(tmp_path, "goemotions/valid.jsonl", comment("Thanks"), *["{"] * 5)
    done = RUN.invoke(app, ["verify", "goemotions", "--data", str(tmp_path), "--shown", "2"])
    assert done.exit_code == 2
    assert "unusable (5 problems)" in done.output
    assert done.output.count("    line ") == 2
    assert "and 3 more" in done.output


def test_that_a_set_that_is_asked_for_and_not_here_is_one_line_with_the_command_that_gets_it(tmp_path: Path):
    done = heartline("data", "verify", "reccon", "--data", str(tmp_path), home=tmp_path, before=REGISTERED)
    assert done.code == 2
    assert done.err.startswith("Error: No files of reccon in ")
    assert "heartline data fetch reccon" in done.err


def test_that_the_list_says_what_is_here_and_where_nothing_is(tmp_path: Path):
    _file(tmp_path, "goemotions/valid.jsonl", comment("Thanks"), comment("Bye"))
    lines = RUN.invoke(app, ["list", "--data", str(tmp_path)]).output.splitlines()
    (here,) = [line for line in lines if line.startswith("goemotions")]
    assert here.rstrip().endswith("valid 2")
    (absent,) = [line for line in lines if line.startswith("emobank")]
    assert absent.rstrip().endswith("-")


def test_that_the_list_needs_no_folder():
    done = RUN.invoke(app, ["list"])
    assert done.exit_code == 0
    assert "esconv" in done.output
    assert "HEARTLINE_DATA" in done.output


@pytest.mark.data
def test_that_real_files_are_usable(data_root: Path):
    for one in data_sets().values():
        for part in parts_in(data_root, one):
            if part != TEST:
                assert check(data_root, one, part).problems == ()
