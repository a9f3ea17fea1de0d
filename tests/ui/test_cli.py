"""The command line as a process: what it prints where, and with which exit status."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
from faces import heartline, start

from agent.settings import Settings


def test_that_version_says_name_and_number_and_nothing_else(tmp_path: Path):
    done = heartline("--version", home=tmp_path, anew=True)
    assert (done.code, done.err) == (0, "")
    assert re.fullmatch(r"heartline \d+\.\d+\.\d+\n", done.out)


def test_that_help_names_every_command_in_lines_that_are_not_cut(tmp_path: Path):
    done = heartline("--help", home=tmp_path, anew=True)
    assert (done.code, done.err) == (0, "")
    for command in ("chat", "analyze", "doctor", "train"):
        assert re.search(rf"^  {command} +\w.*\w\.$", done.out, re.MULTILINE)
    assert "Usage: heartline " in done.out


def test_that_an_unknown_command_is_named(tmp_path: Path):
    done = heartline("frobnicate", home=tmp_path, anew=True)
    assert (done.code, done.out) == (2, "")
    assert "'frobnicate'" in done.err


@pytest.mark.parametrize(
    ("arguments", "variables", "expected"),
    [
        (["analyze", "Hello"], {"HEARTLINE_PLUGIN_SECONDS": "-1"}, ["HEARTLINE_PLUGIN_SECONDS", "'-1'"]),
        (["chat"], {"HEARTLINE_PLUGINS": '["emotion", "telepathy"]'}, ["'telepathy'", "emotion"]),
        (["chat", "--llm", "localhost:8000"], {}, ["HEARTLINE_LLM_URL", "http://"]),
        (["analyze", "Hello", "--file", "notes.txt"], {}, ["notes.txt", "one of the two"]),
    ],
    ids=["bad setting", "unknown plugin", "no web address", "two sources"],
)
def test_that_an_error_is_one_line_that_names_what_is_wrong(
    tmp_path: Path, arguments: list[str], variables: dict[str, str], expected: list[str]
):
    done = heartline(*arguments, home=tmp_path, **variables)
    assert (done.code, done.out) == (2, "")
    assert re.fullmatch(r"Error: [^\n]+\n", done.err)
    assert all(word in done.err for word in expected)


def test_that_each_of_two_bad_settings_has_its_line(tmp_path: Path):
    done = heartline("doctor", home=tmp_path, anew=True, HEARTLINE_THREADS="many", HEARTLINE_LLM_RETRIES="99")
    assert done.code == 2
    assert [line.split("`")[:2] for line in done.err.splitlines()] == [
        ["Error: Setting ", "llm_retries"],
        ["Error: Setting ", "threads"],
    ]


def test_that_a_file_of_settings_with_an_unknown_name_lists_the_known_ones(tmp_path: Path):
    (tmp_path / "heartline.toml").write_text('planer = "rules"\n', encoding="utf-8")
    done = heartline("analyze", "Hello", home=tmp_path)
    assert done.code == 2
    assert "`planer`" in done.err
    assert all(name in done.err for name in Settings.model_fields)


@pytest.mark.skipif(os.name == "nt", reason="pipes of POSIX")
@pytest.mark.parametrize(
    "arguments",
    [["analyze", "--top", "0", "--file", "many.txt"], ["chat", "--ephemeral"]],
    ids=["analyze", "chat"],
)
def test_that_a_reader_who_leaves_ends_it_without_a_traceback(tmp_path: Path, arguments: list[str]):
    many = "The bus was late again and my boss noticed.\n" * 300
    (tmp_path / "many.txt").write_text(many, encoding="utf-8")
    with start(*arguments, home=tmp_path) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        if "chat" in arguments:
            process.stdout.readline()
        process.stdout.close()
        try:
            process.stdin.write(b"Hello there, I had a long day.\n" * 3)
            process.stdin.close()
        except BrokenPipeError:
            pass  # it has ended already
        assert process.stderr.read() == b""
        assert process.wait() == 1


WITHOUT_TORCH = "import sys; sys.modules['torch'] = None"


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ([], r"`--data DIR` or HEARTLINE_DATA"),
        (["--data", "."], r"needs '\w+', .* pip install 'heartline\[train\]'"),
    ],
    ids=["no data", "no torch"],
)
def test_that_training_says_what_it_lacks(tmp_path: Path, data: list[str], expected: str):
    done = heartline("train", *data, home=tmp_path, before=WITHOUT_TORCH)
    assert (done.code, done.out) == (2, "")
    assert re.fullmatch(r"Error: [^\n]+\n", done.err)
    assert re.search(expected, done.err)
    assert not (tmp_path / "runs").exists()
