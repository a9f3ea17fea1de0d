"""What the guard costs: that it is measured, and that text is held back for a sentence and not for a reply."""

from __future__ import annotations

import asyncio

from evals import guard_speed
from evals.guard_speed import holding, screening


def test_that_perception_screen_and_check_are_timed(monkeypatch):
    monkeypatch.setattr(guard_speed, "times", lambda job: [job(number) or 1.0 for number in range(3)])
    assert [name.partition(",")[0] for name, _ in screening()] == ["perceive", "screen", "check"]


def test_that_text_is_held_back_for_the_first_sentence_and_no_longer():
    hold = asyncio.run(holding(200, ("You waited for it. " + "And the evening went on and on. " * 8,)))
    assert hold.n == 1
    assert 0.5 < hold.ratio < 6  # the reply is 15 first sentences long; machines under load are slow
