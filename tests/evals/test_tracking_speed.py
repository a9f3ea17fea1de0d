"""The tracker's part of the benchmark: every figure is there, and the state does not grow."""

from __future__ import annotations

from evals import tracking_speed
from evals.tracking_speed import tracking


def test_that_it_measures_the_tracker_and_the_state_keeps_its_size(monkeypatch):
    monkeypatch.setattr(tracking_speed, "_MANY", 200)
    found = {figure.name: figure for figure in tracking(("I miss her.", "Rain again.", "We laughed a lot!"))}
    assert [name.partition(",")[0] for name in found if name.endswith("p50")] == [
        "track",
        "forecast",
        "restore a state from its record",
    ]
    assert all(figure.value > 0 for figure in found.values())
    few, many = found["stored state after 10 turns"], found["stored state after 200 turns"]
    assert abs(many.value - few.value) < 0.2 * few.value
