"""Real data sets, where there are any, and a processor that is not fought over."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def data_folder() -> Callable[[str], Path]:
    """Name of a data set to its folder below HEARTLINE_DATA; skips the test where there is none."""

    def folder(name: str) -> Path:
        root = os.environ.get("HEARTLINE_DATA")
        if not root:
            pytest.skip("HEARTLINE_DATA is not set: it names the folder with prepared data sets")
        found = Path(root) / name
        if not found.is_dir():
            pytest.skip(f"data set {name!r} is not in the folder that HEARTLINE_DATA names")
        return found

    return folder


@pytest.fixture(scope="session")
def one_thread() -> Iterator[None]:
    """Torch on one thread: on tiny networks more of them wait for each other, a hundred times longer."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)
