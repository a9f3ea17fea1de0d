"""The arithmetic of growing, and that its page says what it gives."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from postgres import a_cluster

from evals.growth import ASSUMED, RESULT, Measured, measure, needs, table

DOCS = Path(__file__).parents[2] / "docs"
MEASURED = Measured(reading_ms=60, turn_ms=100, stored_bytes=10_000, wal_bytes=20_000, commits=4, rows=9)


def test_that_needs_follow_from_load_and_cost():
    assumed = replace(
        ASSUMED, turns_a_day=86_400 * 10, peak=2, busy=0.5, prompt_tokens=1_000, reply_tokens=100,
        gpu_prompt_tokens=10_000, gpu_reply_tokens=1_000, reply_seconds=3, days_kept=10, pool=8,
    )  # fmt: skip
    found = {each.name: each.value for each in needs(MEASURED, assumed)}
    assert found == {
        "turns a second, mean": 10,
        "turns a second, peak": 20,
        "cores for readers": 3,  # 20 × 0.06 s, half busy
        "cores for the rest of the server": 2,
        "connections to the database": 16,
        "GPU seconds a turn": pytest.approx(0.2),
        "GPUs": 8,
        "replies at the same time": 60,
        "database, a day": pytest.approx(8.64),
        "database, as long as it is kept": pytest.approx(86.4),
        "write-ahead log, peak": pytest.approx(0.4),
        "transactions, peak": 80,
        "rows written, peak": 180,
    }


def test_that_the_page_says_what_was_measured_and_worked_out():
    page = (DOCS / "growing.md").read_text(encoding="utf-8")
    measured = Measured(**json.loads(RESULT.read_text(encoding="utf-8")))
    assert table(measured) in page
    for said in (
        f"a turn takes {measured.turn_ms:.0f} core milliseconds in the server, {measured.reading_ms:.0f} of them",
        f"it adds {measured.stored_bytes / 1000:.1f} kB",
        f"{measured.wal_bytes / 1000:.1f} kB to its log",
        f"in {measured.commits:.1f} transactions that write {measured.rows:.1f} rows",
        f"| {ASSUMED.peak:g} times |",
        f"| {ASSUMED.busy:.0%}".replace("%", " %"),
        f"| {ASSUMED.prompt_tokens:,} and {ASSUMED.reply_tokens} |",
        f"| {ASSUMED.gpu_prompt_tokens:,} and {ASSUMED.gpu_reply_tokens:,} tokens |",
        f"| {ASSUMED.reply_seconds:g} s |",
        f"| {ASSUMED.days_kept} days |",
        f"| {ASSUMED.pool} |",
    ):
        assert said in page, said


def test_that_a_turn_is_measured_on_a_real_postgres():
    with a_cluster() as cluster:
        found = measure(cluster.database("UTF8"), turns=20)
    assert 0 < found.reading_ms < found.turn_ms
    assert found.stored_bytes >= 0
    assert found.wal_bytes > 1_000
    assert found.commits >= 1
    assert found.rows >= 1


@pytest.mark.parametrize("page", ["deploy.md", "growing.md"])
def test_that_the_pages_name_files_and_settings_that_there_are(page: str):
    import re

    from agent.settings import Settings

    text = (DOCS / page).read_text(encoding="utf-8")
    for target in re.findall(r"\]\((?!https?:)([^)#]+)", text):
        assert (DOCS / target).exists(), target
    for name in set(re.findall(r"HEARTLINE_([A-Z_]+)", text)) - {"CONFIG"}:
        assert name.lower() in Settings.model_fields, name
    for path in re.findall(r"`?(ui/deploy/[\w./-]*\w)", text):
        assert (DOCS.parent / path).exists(), path
