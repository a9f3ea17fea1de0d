from __future__ import annotations

import os
from pathlib import Path

import pytest


@pytest.fixture
def data_root() -> Path:
    """The folder with prepared data sets; the test is skipped where there is none."""
    named = os.environ.get("HEARTLINE_DATA")
    if not named:
        pytest.skip("HEARTLINE_DATA is not set: it names the folder with prepared data sets")
    return Path(named)
