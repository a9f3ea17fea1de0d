"""Programs that run evaluations are told the kind of an error, and people are not."""

from __future__ import annotations

import json

import pytest

from agent.errors import DataError, HeartlineError, LLMUnreachableError, SettingsError, StoreError, WeightsError
from sem_plugins.training.counted import errors_named, say_as


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (DataError("x"), "data"),
        (LLMUnreachableError("x"), "llm"),
        (WeightsError("x"), "weights"),
        (SettingsError("x"), "settings"),
        (StoreError("x"), "other"),
    ],
    ids=["data", "llm", "weights", "settings", "other"],
)
def test_that_the_kind_is_a_line_where_lines_are_told(error: HeartlineError, kind: str, capsys):
    say_as("json")
    try:
        with pytest.raises(type(error)), errors_named():
            raise error
    finally:
        say_as("bar")
    assert json.loads(capsys.readouterr().err) == {"error": kind}
    with pytest.raises(type(error)), errors_named():
        raise error
    assert capsys.readouterr().err == ""
