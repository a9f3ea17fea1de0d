"""Servers of tests are quiet: a line for each request would fill a pipe that nobody reads."""

from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def _quiet(_home_of_its_own: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEARTLINE_OPERATIONS", '{"log_level": "warning"}')
