from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

FEW = 20


@pytest.fixture
def data_root() -> Path:
    """The folder with prepared data sets; the test is skipped where there is none."""
    named = os.environ.get("HEARTLINE_DATA")
    if not named:
        pytest.skip("HEARTLINE_DATA is not set: it names the folder with prepared data sets")
    return Path(named)


@pytest.fixture
def few_draws(monkeypatch: pytest.MonkeyPatch) -> None:
    """For tests that are not about how sure a figure or a difference is, which takes longest of all."""
    from evals import compare
    from sem_plugins.training import intervals

    whole = intervals.bootstrap

    def short(*given: Any, draws: int) -> intervals.Estimate:
        return whole(*given, draws=min(draws, FEW))

    monkeypatch.setattr(intervals, "bootstrap", short)
    monkeypatch.setattr(compare, "DRAWS", FEW)
