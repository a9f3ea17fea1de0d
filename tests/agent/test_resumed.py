"""Going on from a conversation that no store knows."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest

from agent.errors import InputError
from agent.loop import Agent
from agent.pasts import Pasts
from agent.protocols import Recalled
from agent.readings import Affect
from agent.resumed import NEWEST, SPOKEN_OUT, resumed, with_past
from agent.safety.guard import ProtocolGuard
from agent.testing import BrokenPlugin, FixedPlugin, ScriptedGenerator, a_turn
from agent.tracker import SmoothedTracker
from agent.tracker import create as smoothed
from agent.turn import Message
from tests.contracts.store_contract import a_course, a_reliance, a_sitting, a_state
from tests.danger_word import DangerWord
from tests.loop_parts import an_agent, offline


def seeker(text: str) -> Message:
    return Message("seeker", text)


def supporter(text: str) -> Message:
    return Message("supporter", text)


def follows(*scripts: str, **parts: Any) -> Agent:
    given: dict[str, Any] = {"guard": ProtocolGuard("GB"), "fallback": offline(*scripts), "tracker": smoothed()}
    given["plugins"] = [DangerWord(), FixedPlugin("affect", Affect(-0.5, 0.2, -0.1))]
    return an_agent(ScriptedGenerator(*scripts), **(given | parts))


SAID = [
    seeker("I could kill myself."),
    supporter("Oh."),
    seeker("Just kidding."),
    supporter("Hm."),
    seeker("Bye."),
]


async def test_that_state_and_record_are_those_that_a_store_would_have_kept():
    kept = follows("Yes.", "Yes.", "Yes.")
    for message in SAID:
        if message.role == "seeker":
            turn = await kept.respond(message.text, conversation_id="c")
    stored = kept.store.recall("c", turns=24)
    past = await resumed(follows(), SAID)
    assert turn.index == 2
    assert past.turns == stored.turns == 3
    assert past.state == replace(stored.state, at=None)  # type: ignore[type-var]
    assert past.course is not None
    assert stored.course is not None
    assert (past.course.level, past.course.peak) == (stored.course.level, stored.course.peak)


async def test_that_only_the_newest_part_is_looked_back_on_and_everything_is_followed():
    past = await resumed(follows(history_turns=1), SAID)
    assert [message.text for message in past.messages] == ["Hm.", "Bye."]
    assert past.course is not None
    assert past.course.was_in_danger


async def test_that_what_is_known_of_a_conversation_is_told_without_reading_anything():
    plugin = DangerWord()
    agent, pasts = follows(plugins=[plugin], tracker=None), Pasts()
    assert pasts.known(SAID, owner="us") == Recalled()
    past = await pasts.of(agent, SAID, owner="us")
    read = len(plugin.seen)
    assert pasts.known([*SAID, supporter("Bye."), seeker("Hi.")], owner="us") == replace(past, messages=())
    assert pasts.known(SAID, owner="them") == Recalled()
    assert len(plugin.seen) == read


async def test_that_it_goes_on_from_what_is_known():
    agent = follows()
    first = await resumed(agent, SAID[:2])
    assert await resumed(agent, SAID[2:], first) == await resumed(agent, SAID)


async def test_that_messages_without_text_are_passed_over():
    assert (await resumed(follows(), [seeker(" "), supporter(""), seeker("\u200b"), seeker("Hi.")])).turns == 1


async def test_that_a_message_that_is_too_long_is_refused():
    with pytest.raises(InputError, match="max_message_characters"):
        await resumed(follows(max_message_characters=5), [seeker("Far too long.")])


async def test_that_a_reply_may_be_longer_than_a_message():
    past = await resumed(follows(max_message_characters=5), [seeker("Hi."), supporter("A long reply.")])
    assert [message.text for message in past.messages] == ["Hi.", "A long reply."]


async def test_that_reading_that_takes_too_long_is_no_calm():
    release = threading.Event()

    class Hangs(DangerWord):
        def __call__(self, turns: Any) -> Any:
            release.wait(10)
            return super().__call__(turns)

    try:
        past = await resumed(follows(plugins=[Hangs()], tracker=None, plugin_seconds=0.01), [seeker("Hi.")])
    finally:
        release.set()
    assert past.course is not None
    assert past.course.unread


async def test_that_a_message_whose_risk_cannot_be_read_is_no_calm():
    past = await resumed(follows(plugins=[BrokenPlugin("risk")], tracker=None), [seeker("Hi."), supporter("Yes.")])
    assert past.course is not None
    assert past.course.level == "watch"


class Held(DangerWord):
    """Waits until it is released, and knows how many of its kind wait."""

    def __init__(self) -> None:
        super().__init__()
        self.inside, self.most, self._lock = 0, 0, threading.Lock()
        self.both, self.release = threading.Event(), threading.Event()

    def __call__(self, turns: Any) -> Any:
        with self._lock:
            self.inside += 1
            self.most = max(self.most, self.inside)
            if self.inside == 2:
                self.both.set()
        self.release.wait(10)
        with self._lock:
            self.inside -= 1
        return super().__call__(turns)


async def test_that_two_conversations_are_read_at_one_time_and_the_others_wait_and_are_read():
    held = Held()
    agent = follows(plugins=[held], tracker=None, plugin_seconds=10)
    asked = [asyncio.create_task(resumed(agent, [seeker(f"{number}.")])) for number in range(5)]
    assert await asyncio.to_thread(held.both.wait, 30)
    held.release.set()
    pasts = await asyncio.gather(*asked)
    assert held.most == 2
    assert sorted(held.seen) == [f"{number}." for number in range(5)]
    assert not any(past.course is None or past.course.unread for past in pasts)


async def test_that_who_left_while_waiting_is_not_read():
    held = Held()
    agent = follows(plugins=[held], tracker=None, plugin_seconds=10)
    asked = [asyncio.create_task(resumed(agent, [seeker(f"{number}.")])) for number in range(2)]
    assert await asyncio.to_thread(held.both.wait, 30)
    leaves = asyncio.create_task(resumed(agent, [seeker("Left.")]))
    await asyncio.sleep(0)
    leaves.cancel()
    await asyncio.gather(leaves, return_exceptions=True)
    held.release.set()
    await asyncio.gather(*asked)
    await resumed(agent, [seeker("Last.")])
    assert set(held.seen) == {"0.", "1.", "Last."}


async def test_that_parts_that_fail_leave_what_they_keep():
    class Broken:
        name = "broken"
        reads = frozenset({"text"})

        def update(self, turn: Any) -> Any:
            raise RuntimeError

        screen = update
        check = update

    before = await resumed(follows(), SAID[:1])
    agent = follows(guard=Broken(), tracker=Broken())
    after = await resumed(agent, SAID[2:], before)
    assert (after.state, after.course, after.turns) == (before.state, before.course, 3)


async def test_that_a_view_remembers_its_past_and_stores_where_it_is_told():
    agent = an_agent(ScriptedGenerator("One.", "Two."))
    past = Recalled(messages=(seeker("Before."),), turns=1)
    turn = await with_past(agent, past).respond("Now.", conversation_id="c")
    assert (turn.index, turn.history) == (1, past.messages)
    assert agent.store.conversations() == ()
    await with_past(agent, replace(past, turns=0), store=agent.store).respond("Now.", conversation_id="c")
    assert agent.store.conversations() == ("c",)


async def test_that_what_is_read_is_bounded_and_danger_long_ago_is_not_forgotten():
    plugin = DangerWord()
    long_ago = [seeker("I want to kill myself."), supporter("Hm.")] + [seeker("So."), supporter("Yes.")] * 500
    past = await resumed(follows(plugins=[plugin], tracker=None), long_ago)
    assert len(plugin.seen) == NEWEST + 1
    assert past.turns == 501
    assert past.course is not None
    assert past.course.was_in_danger


async def test_that_of_many_that_speak_of_death_the_newest_are_read():
    plugin = DangerWord()
    await resumed(follows(plugins=[plugin], tracker=None), [seeker(f"I want to die, {n}.") for n in range(100)])
    assert len(plugin.seen) == NEWEST + SPOKEN_OUT
    assert plugin.seen[0] == f"I want to die, {100 - NEWEST - SPOKEN_OUT}."


async def test_that_a_turn_that_is_not_read_again_keeps_its_number():
    seen: list[int] = []

    class Numbers(DangerWord):
        def __call__(self, turns: Any) -> Any:
            seen.extend(turn.index for turn in turns)
            return super().__call__(turns)

    await resumed(follows(plugins=[Numbers()], tracker=None), [seeker(f"Day {n}.") for n in range(NEWEST + 3)])
    assert seen == list(range(3, NEWEST + 3))


async def test_that_a_known_beginning_is_not_read_again():
    plugin = DangerWord()
    pasts, agent = Pasts(), follows(plugins=[plugin], tracker=None)
    first = await pasts.of(agent, SAID[:3])
    again = await pasts.of(agent, SAID)
    assert plugin.seen == [message.text for message in SAID if message.role == "seeker"]
    assert (first.turns, again.turns) == (2, 3)
    assert again == await resumed(follows(tracker=None), SAID)


async def test_that_another_wording_is_another_conversation():
    plugin = DangerWord()
    pasts, agent = Pasts(), follows(plugins=[plugin], tracker=None)
    await pasts.of(agent, [seeker("ab"), seeker("c")])
    await pasts.of(agent, [seeker("a"), seeker("bc")])
    await pasts.of(agent, [supporter("ab"), seeker("c")])
    assert len(plugin.seen) == 5


async def test_that_nobody_else_finds_what_is_remembered():
    plugin = DangerWord()
    pasts, agent = Pasts(), follows(plugins=[plugin], tracker=None)
    for owner in ("a", "b", "a"):
        await pasts.of(agent, [seeker("One."), supporter("Yes.")], owner=owner)
    assert plugin.seen == ["One.", "One."]


async def test_that_it_is_forgotten_after_an_hour_and_when_others_need_the_room():
    now, plugin = 0.0, DangerWord()
    pasts, agent = Pasts(most=2, clock=lambda: now), follows(plugins=[plugin], tracker=None)
    for text in ("One.", "Two.", "One.", "Three.", "One.", "Two."):
        await pasts.of(agent, [seeker(text), supporter("Yes.")])
    assert plugin.seen == ["One.", "Two.", "Three.", "Two."]
    now = 4000.0
    await pasts.of(agent, [seeker("Two."), supporter("Yes.")])
    assert plugin.seen[-1] == "Two."
    assert len(pasts._known) == 1


async def test_that_nothing_that_was_said_is_remembered():
    pasts = Pasts()
    await pasts.of(follows(), [seeker("My dog Quillonby died."), supporter("I hear you.")])
    [known] = pasts._known.values()
    packed = str(pasts._opened(known.past))
    assert "'state'" in packed
    assert "Quillonby" not in packed


async def test_that_what_is_remembered_comes_back_whole_and_takes_little_room():
    feelings = {f"feeling {number}": (2 * number + 1) / 1_024 for number in range(32)}
    after = {f"strategy {number}": feelings for number in range(8)}
    full = replace(a_state(), emotions=feelings, climate=feelings, expected=feelings, forecast=after)
    turn = replace(a_turn("Hi."), state=full, course=a_course(), reliance=a_reliance(), sitting=a_sitting())
    pasts, said = Pasts(), [seeker("Hi."), supporter("Yes.")]
    pasts.keep(said, turn)
    past = await pasts.of(follows(), said)
    assert (past.state, past.course) == (turn.state, turn.course)
    assert (past.reliance, past.sitting, past.turns) == (turn.reliance, turn.sitting, 1)
    assert all(len(known.past) < 1_500 for known in pasts._known.values())


async def test_that_of_two_conversations_each_comes_back_with_its_own_numbers_and_words():
    pasts = Pasts()
    for name, number in (("one", 1 / 3), ("two", -1e-17), ("three", 1e300)):
        state = replace(a_state(number % 1), trend=number, label_set=name)
        turn = replace(a_turn("Hi."), state=state, course=a_course() if name != "two" else None)
        said = [seeker(name), supporter("Yes.")]
        pasts.keep(said, turn)
        past = pasts.known(said)
        assert (past.state, past.course) == (turn.state, turn.course)


async def test_that_what_others_are_squeezed_with_holds_names_alone():
    pasts = Pasts()
    pasts.keep([seeker("Hi."), supporter("Yes.")], replace(a_turn("Hi."), state=a_state(), course=a_course()))
    emptied = json.loads(pasts._names)
    assert emptied["state"]["label_set"] is None
    assert {*_leaves(emptied)} <= {None, 0.0}


def _leaves(packed: Any) -> Iterator[Any]:
    if isinstance(packed, dict | list):
        for each in packed.values() if isinstance(packed, dict) else packed:
            yield from _leaves(each)
    else:
        yield packed


async def test_that_a_state_that_no_store_could_keep_is_followed_anew():
    class Strange(SmoothedTracker):
        def update(self, turn: Any) -> Any:
            return replace(super().update(turn), trend=object())

    plugin = DangerWord()
    pasts = Pasts()
    agent = follows(plugins=[plugin, FixedPlugin("affect", Affect(-0.5, 0.2, -0.1))], tracker=Strange())
    for _ in range(2):
        assert (await pasts.of(agent, [seeker("One."), supporter("Yes.")])).turns == 1
    assert plugin.seen == ["One.", "One."]
    assert not pasts._known


async def test_that_a_sitting_goes_on_and_its_notice_is_given_once():
    agent, said = follows("Yes.", "Yes.", "Yes."), [seeker("The ferry is late."), supporter("Yes.")]
    pasts = Pasts()
    first = await with_past(agent, await pasts.of(agent, [])).respond("The ferry is late.")
    pasts.keep(said, first)
    second = await with_past(agent, await pasts.of(agent, said)).respond("Still.")
    assert len(first.notices) == 1
    assert second.notices == ()
    elsewhere = [said[0], supporter("Somebody else's reply.")]
    third = await with_past(agent, await pasts.of(agent, elsewhere)).respond("Still.")
    assert len(third.notices) == 1


def test_that_threads_with_loops_of_their_own_share_what_is_remembered():
    plugin = DangerWord()
    pasts, agent = Pasts(), follows(plugins=[plugin], tracker=None)

    def ask(number: int) -> int:
        return asyncio.run(pasts.of(agent, [seeker(f"{number}."), supporter("Yes.")])).turns

    with ThreadPoolExecutor(4) as threads:
        assert list(threads.map(ask, [*range(8), *range(8)])) == [1] * 16
    assert set(plugin.seen) == {f"{number}." for number in range(8)}
