"""docs/prompts.md names what there is."""

from __future__ import annotations

import re
from pathlib import Path

import prompts
from agent.turn import Turn
from prompts.budget import Fit
from prompts.notes import note_values
from prompts.stimuli import load_stimuli

TEXT = (Path(prompts.__file__).parent.parent / "docs" / "prompts.md").read_text(encoding="utf-8")


def section(title: str) -> str:
    return TEXT.split(f"\n## {title}\n")[1].split("\n## ")[0]


def test_that_every_variable_of_the_notes_is_documented_and_no_other() -> None:
    rows = [line.split("|")[1] for line in section("Templates of your own").splitlines() if line.startswith("| `")]
    named = {name for row in rows for name in re.findall(r"`(\w+)`", row)}
    nothing = Turn("", "", 0, "")
    assert named == set(note_values(nothing, Fit(frozenset()), causes=(), tone="", stimulus=""))


def test_that_every_stimulus_is_documented_with_its_sign() -> None:
    for sign in ("positive", "negative"):
        row = next(line for line in section("Stimuli").splitlines() if line.startswith(f"| {sign}"))
        assert re.findall(r"`([a-z-]+)`", row) == [name for name, it in load_stimuli().items() if it.sign == sign]
