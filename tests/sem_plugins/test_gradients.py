# ruff: noqa: E402 - modules of the `train` extra are imported where it is there
"""Integrated gradients add up to what they explain."""

from __future__ import annotations

from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="training needs the `train` extra")
pytest.importorskip("captum", reason="training needs the `train` extra")

from agent.turn import Message
from sem_plugins.training.gradients import integrated_gradients
from sem_plugins.training.network import ForkedEncoder
from sem_plugins.window import WindowMaker
from tests.sem_plugins.tiny_bert import tiny_base, tiny_tokenizer

pytestmark = [pytest.mark.train, pytest.mark.usefixtures("one_thread")]

TEXT = "sun sand drum snow"


def test_that_attributions_sum_to_the_output_less_that_of_the_empty_message(tmp_path: Path):
    network = ForkedEncoder(tiny_base(tmp_path), fork=1).eval()
    maker = WindowMaker(tiny_tokenizer(), 24)
    found = integrated_gradients(network, maker, TEXT, head="emotion", output=3)
    assert [attribution.text for attribution in found] == TEXT.split()

    window = maker([Message("seeker", TEXT)])
    ids, types = torch.from_numpy(window.ids)[None], torch.from_numpy(window.types)[None]
    empty = torch.where(torch.from_numpy(window.places >= 0)[None], 0, ids)

    def output(given: torch.Tensor) -> float:
        with torch.no_grad():
            return float(network(given, types, torch.ones_like(ids), ["emotion"])["emotion"][0, 3])

    assert sum(a.weight for a in found) == pytest.approx(output(ids) - output(empty), abs=0.01)
