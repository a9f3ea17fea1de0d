"""Slots and queue of the server's turns: who runs, who waits, who is refused."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager, suppress

import pytest

from agent.deadline import Deadline
from agent.server_load import ServerLoad
from ui.http.admission import Admission, within
from ui.http.errors import ApiError
from ui.http.order import InOrder


class Turns:
    """Turns that run until they are told to end.

    Attributes:
        begun: Their names, in the order in which they got a slot.
    """

    def __init__(self, admission: Admission) -> None:
        self.admission = admission
        self.begun: list[str] = []
        self._ends: dict[str, asyncio.Event] = {}
        self.tasks: dict[str, asyncio.Task[None]] = {}

    async def come(self, name: str, **how: object) -> None:
        """A turn of the tenant that the name begins with comes, and runs or waits."""
        self._ends[name] = asyncio.Event()

        async def turn() -> None:
            async with self.admission.turn(name[0], **how):  # type: ignore[arg-type]
                self.begun.append(name)
                await self._ends[name].wait()

        self.tasks[name] = asyncio.create_task(turn())
        await settled()

    async def end(self, name: str) -> None:
        self._ends[name].set()
        await self.tasks[name]
        await settled()

    async def leave(self, name: str) -> None:
        self.tasks[name].cancel()
        with suppress(asyncio.CancelledError):
            await self.tasks[name]
        await settled()


async def settled() -> None:
    """Until every task stands still."""
    for _ in range(10):
        await asyncio.sleep(0)


@asynccontextmanager
async def turns(chance: Callable[[], float] = lambda: 0.0, **load: float) -> AsyncGenerator[Turns]:
    made = Turns(Admission(ServerLoad(**load), chance=chance))  # type: ignore[arg-type]
    yield made
    for name in made.begun:
        await made.end(name) if not made.tasks[name].done() else None
    for name, task in made.tasks.items():
        if not task.done():
            await made.end(name)
    assert (made.admission.running, made.admission.waiting) == (0, 0)


async def test_that_no_more_run_at_once_than_there_are_slots_and_the_next_one_runs_when_one_ends():
    async with turns(running=2, running_per_tenant=2) as made:
        for name in ("a1", "a2", "a3"):
            await made.come(name)
        assert made.begun == ["a1", "a2"]
        assert (made.admission.running, made.admission.waiting) == (2, 1)
        await made.end("a2")
        assert made.begun == ["a1", "a2", "a3"]


async def test_that_a_slot_goes_to_the_tenants_in_turn():
    async with turns(running=1) as made:
        for name in ("a1", "a2", "a3", "a4", "b1", "b2", "c1"):
            await made.come(name)
        for _ in range(7):
            await made.end(made.begun[-1])
        assert made.begun == ["a1", "a2", "b1", "c1", "a3", "b2", "a4"]


async def test_that_a_tenant_leaves_an_eighth_of_the_slots_to_others():
    async with turns(running=9) as made:
        for number in range(9):
            await made.come(f"a{number}")
        assert (made.admission.running, made.admission.waiting) == (7, 2)
        await made.come("b1")
        await made.come("c1")
        assert made.begun[7:] == ["b1", "c1"]  # at once, though those of `a` never end
        await made.end("b1")
        assert made.admission.running == 8  # the slot is not for `a`
        await made.end("a0")
        assert made.begun[9:] == ["a7"]


@pytest.mark.parametrize(("running", "of_a_tenant"), [(1, 1), (2, 1), (8, 7), (9, 7), (64, 56)])
def test_that_the_slots_of_a_tenant_follow_from_how_many_there_are(running: int, of_a_tenant: int):
    assert ServerLoad(running=running).most_of_a_tenant == of_a_tenant
    assert ServerLoad(running=running, running_per_tenant=3).most_of_a_tenant == 3


async def test_that_where_nobody_needs_a_key_all_slots_may_be_taken():
    admission = Admission(ServerLoad(running=2))
    async with admission.turn(""), asyncio.timeout(30), admission.turn(""):
        assert admission.running == 2


async def test_that_a_slot_goes_to_the_tenant_that_holds_the_fewest():
    async with turns(running=4, running_per_tenant=4) as made:
        for name in ("a1", "a2", "a3", "b1", "a4", "a5", "b2", "b3"):
            await made.come(name)
        assert made.begun == ["a1", "a2", "a3", "b1"]
        await made.end("a1")
        await made.end("a2")
        assert made.begun[4:] == ["b2", "a4"]  # by turns `a`, with its long turns, would hold three again
        await made.end("b1")
        assert made.begun[6:] == ["b3"]


async def test_that_a_tenant_fills_its_own_part_of_the_queue_alone():
    async with turns(running=1, waiting=4, waiting_per_tenant=2) as made:
        for name in ("a1", "a2", "a3", "a4"):
            await made.come(name)
        with pytest.raises(ApiError) as refused:
            await made.tasks["a4"]
        assert (refused.value.status, refused.value.code) == (429, "overloaded")
        assert int(refused.value.headers["Retry-After"]) >= 1
        await made.come("b1")
        assert not made.tasks["b1"].done()


async def test_that_the_queue_of_all_is_bounded():
    async with turns(running=1, waiting=2, waiting_per_tenant=2) as made:
        for name in ("a1", "b1", "c1", "d1"):
            await made.come(name)
        with pytest.raises(ApiError) as refused:
            await made.tasks["d1"]
        assert refused.value.code == "overloaded"
        await made.end("a1")
        await made.come("e1")
        assert not made.tasks["e1"].done()


async def test_that_who_leaves_the_queue_is_passed_over():
    async with turns(running=1) as made:
        for name in ("a1", "a2", "b1"):
            await made.come(name)
        await made.leave("a2")
        assert made.admission.waiting == 1
        await made.end("a1")
        assert made.begun == ["a1", "b1"]


async def test_that_a_slot_given_to_who_leaves_at_that_moment_goes_to_the_next():
    async with turns(running=1) as made:
        for name in ("a1", "a2", "b1"):
            await made.come(name)
        made._ends["a1"].set()
        for _ in range(10):  # until the slot is given, and before its new holder runs
            if made.tasks["a1"].done():
                break
            await asyncio.sleep(0)
        made.tasks["a2"].cancel()
        await settled()
        assert made.begun[-1] == "b1"
        assert made.admission.running == 1


async def test_that_nobody_waits_longer_than_the_deadline_or_the_bound():
    async with turns(running=1) as made:
        await made.come("a1")
        await made.come("a2", deadline=Deadline.within(0.02))
        with pytest.raises(ApiError, match="waited too long") as refused:
            await made.tasks["a2"]
        assert (refused.value.status, refused.value.code) == (429, "overloaded")
    async with turns(running=1, wait=0.02) as made:
        await made.come("a1")
        await made.come("a2")
        with pytest.raises(ApiError, match="waited too long"):
            await made.tasks["a2"]


async def test_that_who_need_not_wait_is_let_in_whatever_the_deadline():
    async with turns(running=1) as made:
        await made.come("a1", deadline=Deadline.within(0))
        assert made.begun == ["a1"]


async def test_that_a_turn_that_waits_for_its_conversation_holds_no_slot_and_is_bounded_as_others():
    order = InOrder()
    async with turns(running=2, running_per_tenant=2, waiting_per_tenant=2) as made:
        await made.come("a1", after=order.turn_of("talk"))
        await made.come("a2", after=order.turn_of("talk"))
        await made.come("a3", after=order.turn_of("other"))
        assert made.begun == ["a1", "a3"]
        assert (made.admission.running, made.admission.waiting) == (2, 1)
        await made.come("a4", deadline=Deadline.within(0.02), after=order.turn_of("talk"))
        with pytest.raises(ApiError, match="waited too long"):
            await made.tasks["a4"]
        await made.end("a1")
        assert made.begun == ["a1", "a3", "a2"]


async def test_that_whoever_speaks_of_danger_does_not_wait_while_a_second_set_of_slots_lasts():
    async with turns(running=1, waiting=1, waiting_per_tenant=1) as made:
        for name in ("a1", "a2"):
            await made.come(name)
        await made.come("a3", urgent=True)
        assert made.begun == ["a1", "a3"]
        await made.come("a4", urgent=True)
        with pytest.raises(ApiError):
            await made.tasks["a4"]
        await made.end("a3")
        assert made.begun == ["a1", "a3"]  # the slot beyond the cap is not passed on
        assert made.admission.running == 1


async def test_that_slots_for_danger_are_left_to_other_tenants_too_and_take_none_of_the_usual_ones():
    async with turns(running=2) as made:
        for name in ("a1", "a2", "a3"):
            await made.come(name, urgent=True)
        assert made.begun == ["a1", "a2"]
        await made.come("b1")
        await made.come("b2", urgent=True)
        assert made.begun[2:] == ["b1", "b2"]
        await made.end("a1")  # of the usual ones, which its next turn gets, though one for danger is taken by `a`
        assert made.begun[4:] == ["a3"]


async def danger() -> bool:
    return True


async def no_danger() -> bool:
    return False


async def test_that_danger_on_record_spares_the_wait_and_the_refusal():
    async with turns(running=2, running_per_tenant=2, waiting=1, waiting_per_tenant=1) as made:
        for name in ("a1", "a2", "a3"):
            await made.come(name)
        await made.come("a4", urgent=no_danger)
        with pytest.raises(ApiError) as refused:
            await made.tasks["a4"]
        assert refused.value.code == "overloaded"
        await made.come("a5", urgent=danger)
        assert made.begun == ["a1", "a2", "a5"]


async def test_that_danger_on_record_leaves_half_of_its_slots_to_who_speaks_of_it_now():
    async with turns(running=2, running_per_tenant=2) as made:
        for name in ("a1", "a2"):
            await made.come(name)
        for name in ("a3", "a4"):
            await made.come(name, urgent=danger)
        assert made.begun == ["a1", "a2", "a3"]
        await made.come("a5", urgent=True)
        assert made.begun == ["a1", "a2", "a3", "a5"]


async def test_that_the_record_is_looked_at_only_where_no_other_slot_is_free():
    asked: list[str] = []

    async def asking() -> bool:
        asked.append("the store")
        return True

    async with turns(running=1) as made:
        await made.come("a1", urgent=asking)
        assert (made.begun, asked) == (["a1"], [])
        await made.come("a2", urgent=asking)
        assert (made.begun, asked) == (["a1", "a2"], ["the store"])
        await made.come("a3", urgent=asking)  # those for danger are taken as well: it would change nothing
        assert (made.begun, asked) == (["a1", "a2"], ["the store"])


async def test_that_a_slot_that_becomes_free_while_the_record_is_read_is_taken():
    read = asyncio.Event()

    async def slow() -> bool:
        await read.wait()
        return False

    async with turns(running=1) as made:
        await made.come("a1")
        await made.come("a2", urgent=slow)
        await made.end("a1")
        read.set()
        await settled()
        assert made.begun == ["a1", "a2"]


async def test_that_advice_to_come_back_grows_with_the_queue_and_is_spread():
    async def advice(waiting: int, chance: float) -> int:
        async with turns(lambda: chance, running=1, waiting=waiting, waiting_per_tenant=waiting) as made:
            for number in range(waiting + 2):
                await made.come(f"a{number}")
            with pytest.raises(ApiError) as refused:
                await made.tasks[f"a{waiting + 1}"]
            return int(refused.value.headers["Retry-After"])

    assert await advice(1, 0.0) < await advice(20, 0.0) < await advice(20, 0.9) <= 60


async def test_that_work_within_a_turn_gives_its_result_and_its_slot_back():
    admission = Admission(ServerLoad())

    async def work() -> int:
        return admission.running

    assert await within(admission.turn("a"), work) == 1
    assert admission.running == 0


@pytest.mark.parametrize("of_a_tenant", [2, 3])
@pytest.mark.parametrize("seed", range(20))
async def test_that_no_slot_is_lost_whoever_comes_ends_and_leaves(seed: int, of_a_tenant: int):
    draw = random.Random(seed)
    async with turns(running=3, running_per_tenant=of_a_tenant, waiting=8, waiting_per_tenant=4) as made:
        for number in range(80):
            urgent = draw.choice([True, danger, no_danger]) if draw.random() < 0.2 else False
            await made.come(f"{draw.choice('abc')}{number}", urgent=urgent)
            running = [name for name in made.begun if not made.tasks[name].done()]
            held = Counter(name[0] for name in running)
            assert len(running) == made.admission.running <= 6
            assert max(held.values()) <= 2 * of_a_tenant
            waiting = {name[0] for name, task in made.tasks.items() if not task.done() and name not in made.begun}
            assert made.admission.running >= 3 or all(held[tenant] >= of_a_tenant for tenant in waiting)
            alive = [name for name, task in made.tasks.items() if not task.done()]
            if draw.random() < 0.4:
                await made.leave(draw.choice(alive))
            elif running and draw.random() < 0.5:
                await made.end(draw.choice(running))
        for task in made.tasks.values():
            if task.done() and not task.cancelled():
                assert task.exception() is None or isinstance(task.exception(), ApiError)
