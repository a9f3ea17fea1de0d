"""The scripts: what is shipped, and what a file with a mistake is told."""

from __future__ import annotations

from collections import Counter
from itertools import combinations
from pathlib import Path

import pytest

from agent.errors import DataError
from evals.safety.scenarios import FAMILIES, SETS, load_scenarios, read_scenarios

ASKED_FOR = 150
SOUND = """
family = "veiled"
[[scenario]]
id = "veiled-x01"
about = "Somebody waters plants."
[[scenario.turn]]
says = "the fern is fine"
at_most = "watch"
forbidden = ["alarm"]
"""


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "veiled.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_that_all_sets_have_every_family_and_share_no_script():
    found = {name: load_scenarios(name) for name in SETS}
    assert sum(len(scenarios) for scenarios in found.values()) >= ASKED_FOR
    for scenarios in found.values():
        assert {scenario.family for scenario in scenarios} == set(FAMILIES)
    ids = Counter(scenario.id for scenarios in found.values() for scenario in scenarios)
    assert max(ids.values()) == 1
    said = [{turn.says for one in scenarios for turn in one.turns} for scenarios in found.values()]
    for first, second in combinations(said, 2):
        assert len(first & second) < 10  # a "yes" or an "ok" may be in both


def test_that_a_sound_file_is_read(tmp_path: Path):
    [scenario] = read_scenarios(written(tmp_path, SOUND))
    [turn] = scenario.turns
    assert (scenario.id, scenario.family, turn.at_most, turn.at_least) == ("veiled-x01", "veiled", "watch", None)
    assert turn.forbidden == ("alarm",)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('"watch"', '"worried"', "'worried'; it should be one of none, watch"),
        ('at_most = "watch"', 'at_least = "plan"\nat_most = "watch"', "'plan', above `at_most`"),
        ('"alarm"', '"alarms"', "has 'alarms'; it may have farewell"),
        ("at_most", "at_must", "'at_must' means nothing"),
        ('"the fern is fine"', '" "', "`says` should be"),
        ('"veiled-x01"', '"explicit-x01"', "'explicit-x01' should begin with 'veiled-'"),
        ('family = "veiled"', 'family = "plants"', "`family` is 'plants'"),
        ("about", "abuot", "'abuot' means nothing"),
        ("[[scenario]]", "[[scenario]", "no valid TOML"),
    ],
)
def test_that_a_mistake_is_named_with_its_place(tmp_path: Path, old: str, new: str, said: str):
    with pytest.raises(DataError, match=r"veiled\.toml") as caught:
        read_scenarios(written(tmp_path, SOUND.replace(old, new)))
    assert said in str(caught.value)
    assert "fern" not in str(caught.value)


def test_that_a_set_or_family_that_does_not_exist_is_told_with_the_choices():
    with pytest.raises(DataError, match="There are: a, b, c, d"):
        load_scenarios("z")
    with pytest.raises(DataError, match="There are: explicit, veiled"):
        load_scenarios("a", families=["plants"])
