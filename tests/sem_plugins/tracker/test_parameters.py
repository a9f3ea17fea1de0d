"""The file of learned numbers: read once, checked strictly, and every damage named with its cure."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from agent.errors import WeightsError
from sem_plugins.tracker import parameters
from sem_plugins.tracker.parameters import FORMAT, array, section

CURE = "Install Heartline again, or learn them anew: heartline models dynamics."


@pytest.fixture
def file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Path]:
    """Stands in for the shipped file; it does not exist yet."""
    monkeypatch.setattr(parameters, "files", lambda _: tmp_path)
    parameters._shipped.cache_clear()
    yield tmp_path / "parameters.json"
    parameters._shipped.cache_clear()


def complaint(*path: str) -> str:
    with pytest.raises(WeightsError) as caught:
        section(*path)
    message = str(caught.value)
    assert message.endswith(CURE)
    return message.removesuffix(CURE).strip()


def test_that_the_shipped_file_is_sound():
    assert section()["format"] == FORMAT
    assert section()["weights"]
    assert set(section("dynamics", "support")) == {"read", "prior"}


def test_that_a_missing_file_is_told(file: Path):
    assert complaint("motion") == "parameters.json of the tracker cannot be read (FileNotFoundError)."


@pytest.mark.parametrize(
    ("content", "error"),
    [
        (b"", "JSONDecodeError"),
        (b'{"format": 1, "dynamics": {"me', "JSONDecodeError"),
        (b"\xff\xfe\x00", "UnicodeDecodeError"),
    ],
)
def test_that_a_file_that_is_no_json_is_told(file: Path, content: bytes, error: str):
    file.write_bytes(content)
    assert complaint("motion") == f"parameters.json of the tracker cannot be read ({error})."


@pytest.mark.parametrize("content", [[], "numbers", None, {}, {"format": FORMAT + 1}, {"format": "1"}])
def test_that_another_format_is_refused(file: Path, content: Any):
    file.write_text(json.dumps(content), encoding="utf-8")
    assert complaint("motion") == f"parameters.json of the tracker is not of format {FORMAT}."


def test_that_a_missing_part_is_named_with_where_it_should_be_and_what_is_there(file: Path):
    file.write_text(json.dumps({"format": FORMAT, "dynamics": {"meld-7": {}}, "motion": 3}), encoding="utf-8")
    assert complaint("fusion") == "parameters.json has no 'fusion'; it has: format, dynamics, motion."
    assert complaint("dynamics", "peld") == "`dynamics` in parameters.json has no 'peld'; it has: meld-7."
    assert complaint("dynamics", "meld-7", "told") == (
        "`dynamics.meld-7` in parameters.json has no 'told'; it has: nothing."
    )
    assert complaint("motion") == "`motion` in parameters.json is no object."
    assert complaint("motion", "keep") == "`motion` in parameters.json is no object."


def test_that_the_file_is_read_once(file: Path):
    file.write_text(json.dumps({"format": FORMAT, "motion": {"keep": 0.5}}), encoding="utf-8")
    assert section("motion")["keep"] == 0.5
    file.unlink()
    assert section("motion")["keep"] == 0.5


def test_that_numbers_become_an_array_that_nobody_can_change():
    found = array([[1, 2.5], [3, 4]], 2, 2, name="own")
    assert (found == np.array([[1.0, 2.5], [3.0, 4.0]])).all()
    with pytest.raises(ValueError, match="read-only"):
        found[0, 0] = 9.0
    assert array(0.5, name="keep").shape == ()


@pytest.mark.parametrize(
    ("values", "problem"),
    [
        ([1.0], r"is missing, or its shape is (1,) and not (2,)."),
        ([[1.0, 2.0]], r"is missing, or its shape is (1, 2) and not (2,)."),
        (None, r"is missing, or its shape is () and not (2,)."),
        ([1.0, math.nan], "is missing, or holds a number that is not finite."),
        ([1.0, math.inf], "is missing, or holds a number that is not finite."),
        ([1.0, None], "is missing, or holds a number that is not finite."),
        ([1.0, 10**400], "holds no numbers, or rows of different length."),
        ([1.0, [2.0, 3.0]], "holds no numbers, or rows of different length."),
        ([1.0, "two"], "holds no numbers, or rows of different length."),
        ({"a": 1.0}, "holds no numbers, or rows of different length."),
    ],
)
def test_that_what_is_not_finite_or_of_another_shape_is_refused(values: Any, problem: str):
    with pytest.raises(WeightsError) as caught:
        array(values, 2, name="bias")
    assert str(caught.value) == f"`bias` in parameters.json {problem} {CURE}"
