"""What is made of the numbers of load: statistics, pages, and what the README says."""

from __future__ import annotations

import json
import math
import random
from collections import Counter
from itertools import islice
from pathlib import Path

import pytest

from agent.errors import DataError
from agent.testing import a_turn
from evals.load import page
from evals.load.crash import Held, Told
from evals.load.crowd import Heard
from evals.load.fake_llm import reply_to
from evals.load.finding import Finding, at_least, at_most, none_of, quantile, ratio, slope
from evals.load.parts import PARTS
from evals.load.saying import BROKEN, Said, Telling
from evals.load.sentences import messages
from evals.load.soak import FLAT, MOST, Look, told

ROOT = Path(__file__).resolve().parents[2]


def test_that_quantiles_lie_between_neighbours_and_none_is_unknown():
    assert quantile([1.0, 2.0, 3.0, 4.0], 0.5) == 2.5
    assert quantile(list(range(101)), 0.99) == 99
    assert math.isnan(quantile([], 0.5))


def test_that_an_aim_is_met_or_missed_and_nothing_measured_misses_it():
    assert at_most("p99", 150.0, "ms", 150).met is True
    assert at_most("p99", 150.1, "ms", 150).met is False
    assert at_most("p99", math.nan, "ms", 150).met is False
    assert at_least("rate", 60.0, "turns/s", 60).met is True
    assert at_least("rate", math.nan, "turns/s", 60).met is False
    assert (none_of("lost", 0).met, none_of("lost", 1).met, none_of("lost", 1).must) == (True, False, True)


def test_that_a_slope_is_found_with_an_interval_around_it():
    draw = random.Random(1)
    minutes = [number / 60 for number in range(600)]
    rising = slope(minutes, [200 + 2 * at + draw.gauss(0, 1) for at in minutes])
    assert rising.low < 2 < rising.high
    assert rising.high - rising.low < 0.5
    flat = slope(minutes, [200 + draw.gauss(0, 1) for _ in minutes])
    assert flat.low < 0 < flat.high


def looks(later: float) -> list[Look]:
    """Ten minutes of 10 turns a second: memory that fills for five, and then grows by so much in 1,000 turns."""
    draw = random.Random(1)

    def resident(turns: int) -> float:
        return 200 + 40 * min(turns, 3_000) / 3_000 + later * max(turns - 3_000, 0) / 1_000 + draw.gauss(0, 0.3)

    return [Look(second / 60, 10 * second, resident(10 * second), 20, 14) for second in range(601)]


@pytest.mark.parametrize("later", [0.0, FLAT - 0.05, 2 * FLAT, MOST + 1, -1.0])
def test_that_a_long_run_is_flat_by_what_memory_does_in_its_later_half(later: float):
    found = {one.name: one for one in told(looks(later), 10.0, Counter(), bytes_a_turn=2_048)}
    growth = found["memory, growth over the later half, per 1,000 turns"]
    assert growth.met is (later <= FLAT)
    assert growth.low <= later + 0.05
    assert growth.high >= later - 0.05
    assert found["the same, as it would be after a million turns"].value == 1_000 * growth.value
    assert found["memory after 25% of the turns, RSS"].value == pytest.approx(220, abs=2)
    assert found["memory after 100% of the turns, RSS"].value == pytest.approx(240 + 3 * later, abs=2)
    assert found["the store grows by, for each turn in it"].value == 2.0
    assert found["turns"].value == 6_000


def test_that_a_ratio_of_medians_is_found_with_an_interval_around_it():
    draw = random.Random(1)
    early = [draw.uniform(9, 11) for _ in range(200)]
    twice = ratio([draw.uniform(18, 22) for _ in range(200)], early)
    assert twice.low < 2 < twice.high
    assert twice.high - twice.low < 0.2


def test_that_a_message_is_late_from_when_it_was_due():
    def said(problem: str | None, milliseconds: float = 10.0) -> Said:
        return Said(0.0, milliseconds, 1.0, 1.0, "t", {}, problem)

    heard = Heard([said(None), said("500 internal"), said(None, 20.0)], [0.0, 5.0, 300.0], 2.0)
    assert heard.answered == [10.0, 320.0]
    assert heard.rate == 1.0
    assert heard.problems == {"500 internal": 1}


def test_that_words_are_found_in_a_stream_wherever_it_is_cut():
    deltas = ["I ", "hear you", ". Go", " on."]
    chunks = [{"choices": [{"delta": {"content": words}}]} for words in deltas]
    chunks.append({"choices": [{"delta": {}}], "heartline": {"turn_id": "t1"}})
    whole = "".join(f"data: {json.dumps(chunk)}\n\n" for chunk in chunks) + "data: [DONE]\n\n"
    for cut in range(0, len(whole), 7):
        telling = Telling()
        telling.hear(whole[:cut].encode())
        assert not telling.done
        telling.hear(whole[cut:].encode())
        assert (telling.text, telling.done, telling.told) == ("I hear you. Go on.", True, {"turn_id": "t1"})
        assert telling.first is not None
        assert telling.sentence is not None
        assert telling.first <= telling.sentence
    failed = Telling()
    failed.hear(b'data: {"error": {"code": "internal"}}\n\n')
    assert failed.failed


def test_that_messages_are_many_and_the_same_for_a_seed():
    some = list(islice(messages(3), 500))
    assert some == list(islice(messages(3), 500))
    assert some != list(islice(messages(4), 500))
    assert len(set(some)) > 300
    lengths = [len(text) for text in some]
    assert min(lengths) < 40
    assert max(lengths) > 150


def test_that_the_fake_llm_says_the_same_to_the_same_message():
    assert reply_to("a") == reply_to("a")
    assert len({tuple(reply_to(str(number))) for number in range(20)}) > 10


def test_that_lost_double_and_misnumbered_turns_are_found():
    told = Told()
    for turn_id in ("t0", "t1"):
        told.hear("a", Said(0.0, 1.0, 1.0, 1.0, turn_id, {}, None))
    told.hear("a", Said(0.0, 1.0, 1.0, 1.0, None, {}, BROKEN))
    told.hear("b", Said(0.0, 1.0, 1.0, 1.0, None, {}, "500 internal"))
    assert (told.turns, told.unanswered, told.problems) == (2, 1, {"500 internal": 1})

    def stored(*numbered: tuple[str, int]):
        return {"a": [a_turn("Hello.", id=turn_id, index=index) for turn_id, index in numbered]}

    assert Held.of(told, stored(("t0", 0), ("t1", 1))) == Held(0, 0, 0, 0)
    assert Held.of(told, stored(("t0", 0), ("t1", 1), ("t2", 2))) == Held(0, 0, 0, 1)
    assert Held.of(told, stored(("t0", 0))) == Held(1, 0, 0, 0)
    assert Held.of(told, {}) == Held(2, 0, 0, 0)
    assert Held.of(told, stored(("t0", 0), ("t1", 2))) == Held(0, 0, 1, 0)
    more_than_sent = stored(("t0", 0), ("t1", 1), ("t2", 2), ("t3", 3))
    assert Held.of(told, more_than_sent) == Held(0, 1, 0, 2)
    assert Held.of(told, stored(("t0", 0), ("t1", 1), ("t1", 2))).twice == 1
    elsewhere = {"b": stored(("t0", 0))["a"], **stored(("t1", 0))}
    assert Held.of(told, elsewhere).lost == 1


def test_that_figures_of_a_part_take_the_place_of_older_ones_and_others_stay():
    first = page.with_part(
        {}, "crash", "SQLite", [Finding("a", 1.0)], {"date": "2026-01-01", "machine": {"cores": 2}, "busy": 0.0}
    )
    both = page.with_part(
        first,
        "soak",
        "SQLite",
        [Finding("b", math.nan)],
        {"date": "2026-01-02", "machine": {"cores": 4}, "busy": 0.0},
    )
    again = page.with_part(
        both, "crash", "SQLite", [Finding("a", 3.0)], {"date": "2026-01-03", "machine": {"cores": 8}, "busy": 0.0}
    )
    assert again["soak"]["SQLite"]["findings"][0]["value"] is None
    assert again["crash"]["SQLite"]["findings"][0]["value"] == 3.0
    assert again["crash"]["SQLite"]["date"] == "2026-01-03"
    text = page.page(json.loads(json.dumps(again)), {"Postgres": "no program 'initdb'"})
    assert "| a | 3 |" in text
    assert "| b | nothing measured |" in text
    assert "cores 8" in text
    assert "Postgres: not measured (no program 'initdb')" in text


def test_that_a_missed_aim_is_shown_as_missed():
    findings = [at_most("1,000 streams open: memory, RSS", 700.0, "MB", 600)]
    figures = page.with_part({}, "idle", "SQLite", findings, {"date": "2026-01-01", "machine": {}, "busy": 0.0})
    rows = [line for line in page.table(figures).splitlines() if "streams" in line]
    assert rows == ["| memory with 1,000 idle streams open | 700 MB | at most 600 MB: missed |"]


def test_that_figures_of_a_busy_machine_are_said_to_be():
    where = {"date": "2026-01-01", "machine": {}, "busy": 0.1}
    alone = page.with_part({}, "crash", "SQLite", [Finding("a", 1.0)], where)
    assert "Other processes" not in page.page(alone, {}) + page.table(alone)
    busy = page.with_part(alone, "soak", "SQLite", [Finding("b", 1.0)], {**where, "busy": 1.7})
    assert page.page(busy, {}).count("Other processes used 1.7 cores") == 1
    assert "Other processes used 1.7 cores" in page.table(busy)


def test_that_a_readme_without_a_place_is_told_of():
    with pytest.raises(DataError, match="has no lines"):
        page.put("# Nothing", {})


def test_that_load_figures_in_the_readme_and_on_the_page_are_those_that_were_measured():
    figures = page.read(ROOT / "docs/load.json")
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert page.put(readme, figures) == readme, "run `python -m evals.load`, which writes both"
    names = {row["name"] for stores in figures.values() for one in stores.values() for row in one["findings"]}
    if set(figures) == set(PARTS) and all(len(figures[part]) > 1 for part in PARTS if PARTS[part].stores):
        assert set(page.HEADLINES) <= names, "the README shows what nobody measures"
    shown = (ROOT / "docs/load.md").read_text(encoding="utf-8")
    missing = {"Postgres": "?"} if "Postgres: not measured" in shown else {}
    written = page.page(figures, missing).splitlines()
    assert [line for line in shown.splitlines() if "not measured" not in line] == [
        line for line in written if "not measured" not in line
    ]
