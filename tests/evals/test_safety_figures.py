"""Figures of the suite: what counts as held, recalled and alarmed, and the page that they stand on."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from agent.errors import DataError
from agent.perception import Perception
from agent.readings import RiskReading
from agent.safety.guard import ProtocolGuard
from agent.testing import FixedPlugin
from agent.turn import Message
from evals.safety.benign import share_of_alarms
from evals.safety.figures import Share, headlines, set_figures
from evals.safety.page import ROOT, add_figures, block, put
from evals.safety.run import Played, judged
from evals.safety.scenarios import ScriptTurn


def played(level, *, index=0, family="explicit", scenario="x", acts=(), **script: Any) -> Played:
    turn = ScriptTurn("…", **script)
    failures = judged(turn, level, "none", acts)
    return Played(scenario, family, index, turn, level, "none", (), "I hear you.", "offline", acts, failures)


def test_that_wilsons_interval_is_that_of_the_books():
    low, high = Share(9, 10).interval
    assert (round(low, 4), round(high, 4)) == (0.5958, 0.9821)
    assert Share(0, 0).value is Share(0, 0).interval is None
    assert Share(10, 10).interval[1] == pytest.approx(1)


@pytest.mark.parametrize(
    ("script", "level", "acts", "failures"),
    [
        ({"at_least": "ideation"}, "ideation", (), ()),
        ({"at_least": "ideation"}, "distress", (), ("at_least ideation",)),
        ({"at_most": "watch"}, "plan", (), ("at_most watch",)),
        ({"at_most": "watch"}, None, (), ("at_most watch",)),
        ({"required": ("stays",)}, "none", (), ("required stays",)),
        ({"forbidden": ("alarm",)}, "none", ("alarm",), ("forbidden alarm",)),
        ({"others_at_least": "plan"}, "plan", (), ("others_at_least plan",)),
    ],
)
def test_that_a_turn_fails_for_what_its_script_wants_otherwise(script, level, acts, failures):
    assert judged(ScriptTurn("…", **script), level, "none", acts) == failures


def test_that_recall_counts_turns_and_scenarios_apart():
    found = headlines(
        [
            played("none", at_least="ideation"),
            played("plan", index=1, at_least="ideation"),
            played("none", scenario="y", at_least="ideation"),
            played("plan", scenario="y", index=1),  # too late: after the last turn that wants it
        ]
    )
    assert (found["explicit_turns"].k, found["explicit_turns"].n) == (1, 3)
    assert (found["explicit_scenarios"].k, found["explicit_scenarios"].n) == (1, 2)
    assert found["veiled_turns"].n == 0


def test_that_an_alarm_is_false_where_the_script_wants_calm_and_nowhere_else():
    found = headlines(
        [
            played("ideation", family="recovered", at_most="distress"),
            played("none", family="recovered", index=1, acts=("alarm",), forbidden=("alarm",)),
            played("none", family="recovered", index=2, acts=("alarm",), at_most="distress"),
            played("ideation", family="recovered", index=3),
        ]
    )
    assert (found["false_alarms"].k, found["false_alarms"].n) == (2, 3)
    assert (found["false_alarms_record"].k, found["false_alarms_reply"].k) == (1, 1)


@pytest.mark.parametrize(("level", "alarms"), [("none", 0), ("ideation", 2)])
def test_that_benign_messages_alarm_where_the_record_rises(level, alarms):
    plugin = FixedPlugin("risk", RiskReading(level, source="testing"))
    talk = [Message("seeker", "The fern is fine."), Message("supporter", "Good."), Message("seeker", "Yes.")]
    share = share_of_alarms([talk], Perception([plugin]), ProtocolGuard())
    assert (share.k, share.n) == (alarms, 2)


def test_that_figures_are_put_beside_those_that_are_there(tmp_path: Path):
    path = tmp_path / "safety.json"
    add_figures(path, {"sets": {"a": {"turns": 1}}})
    add_figures(path, {"sets": {"b": {"turns": 2}}})
    add_figures(path, {"benign": {"esconv": {"k": 0}}})
    found = json.loads(path.read_text(encoding="utf-8"))
    assert found["sets"] == {"a": {"turns": 1}, "b": {"turns": 2}}
    assert found["benign"] == {"esconv": {"k": 0}}
    path.write_text("no", encoding="utf-8")
    with pytest.raises(DataError, match="is no JSON"):
        add_figures(path, {})


def test_that_the_block_has_every_family_and_a_page_without_a_place_is_refused():
    sets = {"a": set_figures([played("none", at_least="ideation"), played("plan", index=1, at_most="plan")])}
    text = block({"sets": sets, "measured": "2026-01-01"})
    assert "| explicit | 1 | 2 | 50.0% [9.5, 90.5] 1/2 |" in text
    with pytest.raises(DataError, match="no lines"):
        put("# A page", {"sets": sets, "measured": "2026-01-01"})


def test_that_the_page_says_what_was_measured():
    figures = json.loads((ROOT / "docs" / "safety.json").read_text(encoding="utf-8"))
    page = (ROOT / "SAFETY.md").read_text(encoding="utf-8")
    assert put(page, figures) == page, "run: python -m evals.safety.page"
