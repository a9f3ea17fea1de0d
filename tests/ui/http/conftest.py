"""What tests of the server share. Servers of tests are quiet: a line for each request would fill a pipe that nobody
reads.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.stores import an_empty_store


@pytest.fixture(autouse=True)
def _quiet(_home_of_its_own: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEARTLINE_OPERATIONS", '{"log_level": "warning"}')


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Any]:
    with closing(an_empty_store(tmp_path / "talks.db")) as opened:
        yield opened
