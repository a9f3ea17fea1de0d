"""A conversation that is too long or too quick is refused before anything is read, and nothing is lost."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.errors import InputError, LimitError, SettingsError
from agent.limits import Limits
from agent.memory import InMemoryStore
from agent.memory_sqlite import SQLiteStore
from agent.readings import RiskReading
from agent.safety.course import RiskCourse
from agent.safety.guard import ProtocolGuard
from agent.testing import FixedPlugin, ScriptedGenerator, a_turn
from agent.turn import Turn
from tests.loop_parts import an_agent, offline

START = 1_790_000_000.0
DANGER = RiskCourse("watch", peak="ideation")


class Clock:
    """Shows what it is told to."""

    def __init__(self, at: float = START) -> None:
        self.at = at

    def __call__(self) -> float:
        return self.at


def admitted(limits: Limits, *times: float | None) -> list[Turn]:
    """The turns that were taken in, of messages at those times."""
    turns: list[Turn] = []
    for at in times:
        before = turns[-1].sitting if turns else None
        try:
            turns.append(limits.admit(a_turn(index=len(turns), at=at, sitting_before=before)))
        except LimitError:
            continue
    return turns


def test_that_as_many_come_at_once_as_come_in_a_minute_and_then_as_fast_as_the_limit():
    limits = Limits(turns_per_minute=6)
    assert len(admitted(limits, *[START] * 20)) == 6
    assert len(admitted(limits, *[START] * 20, START + 9.9)) == 6
    assert len(admitted(limits, *[START] * 20, START + 10)) == 7
    assert len(admitted(limits, *[START] * 20, *[START + 3600] * 20)) == 12


def test_that_who_is_refused_is_told_how_long_to_wait():
    limits = Limits(turns_per_minute=6)
    last = admitted(limits, *[START] * 6)[-1]
    late = a_turn("My fault.", index=6, at=START + 4, sitting_before=last.sitting)
    with pytest.raises(
        LimitError, match=r"conversation-1.* 6 a minute.*in 6\.0 seconds.*MAX_TURNS_PER_MIN"
    ) as caught:
        limits.admit(late)
    assert caught.value.retry_after == pytest.approx(6.0)
    assert isinstance(caught.value, InputError)
    assert "fault" not in str(caught.value)
    assert limits.admit(replace(late, at=START + 10.001)).sitting is not None


def test_that_a_conversation_has_no_more_turns_than_the_limit():
    limits = Limits(turns=3)
    limits.admit(a_turn(index=2))
    with pytest.raises(
        LimitError, match=r"has 3 turns; the limit is 3.*new conversation.*HEARTLINE_MAX_TURNS"
    ) as caught:
        limits.admit(a_turn(index=3))
    assert caught.value.retry_after is None  # waiting does not help


@given(st.lists(st.floats(0, 30), max_size=80), st.integers(1, 20))
def test_that_no_minute_has_more_than_twice_the_limit(pauses: list[float], most: int):
    times = [START + sum(pauses[:number]) for number in range(len(pauses) + 1)]
    taken = [turn.at for turn in admitted(Limits(turns_per_minute=most), *times)]
    for first in taken:
        assert first is not None
        assert sum(first <= at < first + 60 for at in taken if at is not None) <= 2 * most


@given(st.lists(st.none() | st.floats() | st.floats(START, START + 100), max_size=60))
def test_that_whatever_the_clock_says_the_allowance_stays_within_its_bounds(times: list[float | None]):
    for turn in admitted(Limits(turns_per_minute=5), *times):
        assert turn.sitting is not None
        assert turn.sitting.allowance is None or 0 <= turn.sitting.allowance <= 5


@pytest.mark.parametrize("at", [None, math.nan, 1e300])
def test_that_nobody_is_refused_for_a_clock_that_does_not_work(at: float | None):
    assert len(admitted(Limits(turns_per_minute=2), *[at] * 20)) == 20


@pytest.mark.parametrize(
    "fields", [{"course_before": DANGER}, {"text": "I want to kill myself."}], ids=["on record", "said just now"]
)
def test_that_whoever_may_be_in_danger_is_never_refused(fields: dict[str, Any]):
    limits = Limits(turns=1, turns_per_minute=1)
    spent = limits.admit(a_turn(at=START)).sitting
    with pytest.raises(LimitError):
        limits.admit(a_turn(at=START, sitting_before=spent))
    with pytest.raises(LimitError):
        limits.admit(a_turn(index=1))
    for number in range(1, 50):
        turn = limits.admit(a_turn(**({"index": number, "at": START, "sitting_before": spent} | fields)))
        spent = turn.sitting


@pytest.mark.parametrize("given", [{"turns": 0}, {"turns_per_minute": 0}, {"turns": -5}])
def test_that_a_limit_of_nothing_is_refused(given: dict[str, int]):
    with pytest.raises(SettingsError, match=r"max_turns.* is (0|-5); it is 1 or more"):
        Limits(**given)


async def test_that_a_refused_message_is_neither_read_nor_stored_nor_answered_and_can_be_sent_again():
    store, clock = InMemoryStore(), Clock()
    plugin, generator = FixedPlugin("risk", RiskReading("none")), ScriptedGenerator("Yes.", "And?", "Oh.")
    agent = an_agent(generator, plugins=[plugin], store=store, clock=clock, limits=Limits(turns_per_minute=2))
    for text in ("One.", "Two."):
        await agent.respond(text, conversation_id="c")
    with pytest.raises(LimitError) as caught:
        await agent.respond("Three.", conversation_id="c")
    assert [turn.text for turn in store.turns("c")] == ["One.", "Two."]
    assert [turn.text for turn in plugin.seen] == ["One.", "Two."]
    assert (await agent.respond("Elsewhere.", conversation_id="d")).index == 0
    generator.verify()

    assert caught.value.retry_after is not None
    clock.at += caught.value.retry_after + 0.001
    again = an_agent(ScriptedGenerator("Oh."), store=store, clock=clock, limits=Limits(turns_per_minute=2))
    assert (await again.respond("Three.", conversation_id="c")).index == 2


async def test_that_the_limit_holds_in_another_process(tmp_path: Path):
    for number in range(3):
        async with an_agent(
            ScriptedGenerator("Yes."),
            store=SQLiteStore(tmp_path / "talks.db"),
            clock=Clock(),
            limits=Limits(turns_per_minute=3),
        ) as agent:
            await agent.respond(f"Message {number}.", conversation_id="c")
    async with an_agent(
        ScriptedGenerator(),
        store=SQLiteStore(tmp_path / "talks.db"),
        clock=Clock(START + 1),
        limits=Limits(turns_per_minute=3),
    ) as agent:
        with pytest.raises(LimitError):
            await agent.respond("One more.", conversation_id="c")


async def test_that_an_agent_goes_on_with_somebody_in_danger_beyond_every_limit():
    plugin = FixedPlugin("risk", RiskReading("plan", ("self-harm",)))
    agent = an_agent(
        ScriptedGenerator(),
        plugins=[plugin],
        fallback=offline(),
        guard=ProtocolGuard(),
        clock=Clock(),
        limits=Limits(turns=2, turns_per_minute=2),
    )
    for number in range(6):
        turn = await agent.respond("It is all arranged.", conversation_id="c")
        assert (turn.index, turn.escalated) == (number, True)
