"""What a visitor may walk through, and how much of it."""

from __future__ import annotations

import base64
import gzip
import json
import time
from typing import Any

import pytest

from agent.build import build_agent
from agent.perception import Perception
from agent.settings import load_settings
from agent.testing import FixedPlugin, a_reading, a_turn
from tests.ui.trajectory_parts import a_conversation
from ui.page import own_data
from ui.page.desk import Desk, Reach
from ui.page.trace_sources import (
    MOST_BYTES,
    File,
    RefusedError,
    Tally,
    cohort_of_opened,
    cohort_of_stored,
    page_of,
    read_files,
    stored_conversation,
    unpacked,
)
from ui.page.visitor import Choices, Visitor
from ui.trajectories import as_json, stored

SETTINGS = load_settings(store="memory", tracker="smoothed")
DIALOGUE = {
    "id": "d",
    "turns": [{"speaker": "seeker", "text": "My dog died."}, {"speaker": "supporter", "text": "Oh."}],
}


@pytest.fixture
def agent():
    agent = build_agent(load_settings(store="memory", plugins=(), planner="none", tracker="none", guard="none"))
    yield agent
    agent.store.close()


def _desk(agent, *, near: bool) -> Desk:
    return Desk(agent, load_settings(store="memory"), Reach(near=near))


def test_that_visitors_see_their_own_conversations_and_whoever_runs_the_page_all(agent):
    mine, theirs = Visitor.new(), Visitor.new()
    own, others = mine.new_conversation(), theirs.new_conversation()
    for name in (own, others, "of-the-terminal"):
        agent.store.append(a_turn("words", id=name, conversation_id=name))
    far, near = _desk(agent, near=False), _desk(agent, near=True)
    assert stored_conversation(far, mine, own) is not None
    assert stored_conversation(far, mine, others) is None
    assert stored_conversation(far, mine, "of-the-terminal") is None
    assert cohort_of_stored(far, mine, Tally()).conversations == 1
    assert own_data.ids(far, mine) == [own]
    assert stored_conversation(near, mine, "of-the-terminal") is not None
    assert stored_conversation(near, mine, "nothing") is None
    assert own_data.ids(near, mine, everybodys=True) == ["of-the-terminal", others, own]
    assert cohort_of_stored(near, mine, Tally()).conversations == 3


def test_that_what_others_do_not_keep_is_seen_by_nobody_else(agent):
    desk = _desk(agent, near=True)
    theirs, mine = Visitor("u" * 43, Choices(kept=False)), Visitor.new()
    conversation = theirs.new_conversation()
    desk.store_of(theirs, conversation).append(a_turn("passing", conversation_id=conversation))
    assert stored_conversation(desk, mine, conversation) is None
    assert own_data.ids(desk, mine, everybodys=True) == []
    assert stored_conversation(desk, theirs, conversation) is not None


def test_that_a_long_list_is_read_a_page_at_a_time(agent):
    desk, visitor = _desk(agent, near=True), Visitor.new()
    for number in range(45):
        agent.store.append(a_turn(f"talk {number}", id=str(number), conversation_id=str(number)))
    named = own_data.ids(desk, visitor, everybodys=True)
    entries, total = own_data.listed(desk, visitor, named[40:60]), len(named)
    assert ([entry.title for entry in entries], total) == ([f"talk {n}" for n in (4, 3, 2, 1, 0)], 45)
    asked = [page_of(45, page, size=20) for page in (0, 2, 99, -1, "x", True)]
    assert asked == [(0, 3), (2, 3), (2, 3), (0, 3), (0, 3), (0, 3)]
    assert page_of(0, 0, size=20) == (0, 1)


def test_that_a_cohort_that_nobody_waits_for_stops(agent):
    agent.store.append(a_turn())
    assert cohort_of_stored(_desk(agent, near=True), Visitor.new(), Tally(stopped=True)).conversations == 0


def _sent(content: bytes, name: Any = "a.json") -> dict[str, Any]:
    return {"name": name, "data": base64.b64encode(gzip.compress(content)).decode()}


def test_that_files_are_unpacked_as_the_browser_packed_them():
    assert unpacked([_sent(b"one"), _sent(b"two", "b\x1b.json")]) == (
        File("a.json", b"one"),
        File("b.json", b"two"),
    )


@pytest.mark.parametrize(
    ("sent", "key"),
    [
        (None, "trace.too_many_files"),
        ([], "trace.too_many_files"),
        ([_sent(b"x")] * 21, "trace.too_many_files"),
        (["x"], "trace.not_sent"),
        ([{"name": "x", "data": "no base64!"}], "trace.not_sent"),
        ([{"name": "x", "data": base64.b64encode(b"no gzip").decode()}], "trace.not_sent"),
        ([_sent(b"x", 3)], "trace.not_sent"),
        ([_sent(b"x" * (MOST_BYTES + 1))], "trace.too_large"),
        ([_sent(b"x" * (MOST_BYTES // 2 + 1))] * 2, "trace.too_large"),
    ],
    ids=["nothing", "none", "many", "text", "base64", "gzip", "name", "large", "together"],
)
def test_that_what_is_sent_otherwise_or_is_too_much_is_refused(sent, key):
    with pytest.raises(RefusedError) as failed:
        unpacked(sent)
    assert failed.value.trouble.key == key


def test_that_a_file_that_unpacks_without_end_costs_no_more_than_what_is_taken():
    bomb = _sent(bytes(400_000_000))
    started = time.process_time()
    with pytest.raises(RefusedError):
        unpacked([bomb])
    assert time.process_time() - started < 1.0


def _read(*contents: bytes, tally: Tally | None = None):
    perception = Perception([FixedPlugin("emotion", a_reading())])
    files = [File(f"{number}.json", content) for number, content in enumerate(contents)]
    return read_files(files, SETTINGS, perception, tally or Tally())


def test_that_plain_dialogues_are_read_by_the_agents_perception_and_stay_in_their_order():
    tally = Tally()
    written = json.dumps(as_json(stored("w", a_conversation()), texts=True)).encode()
    found = _read(json.dumps(DIALOGUE).encode(), written, b"broken", json.dumps(DIALOGUE).encode(), tally=tally)
    assert [len(each.steps) for each in found.conversations] == [1, 4, 1]
    assert found.conversations[0].answers == ("Oh.",)
    assert found.conversations[0].steps[0].turn.emotion == a_reading()
    assert found.conversations[0].steps[0].state is not None
    assert [name for name, _ in found.problems] == ["2.json"]
    assert (tally.done, tally.of) == (2, 2)
    assert cohort_of_opened(found.conversations).conversations == 3


def test_that_more_than_a_page_can_read_is_refused_before_anything_is_read():
    long = {"turns": [{"speaker": "seeker", "text": "x"}] * 501}
    with pytest.raises(RefusedError) as failed:
        _read(json.dumps(long).encode())
    assert failed.value.trouble.key == "trace.too_many_to_read"


def test_that_a_message_that_cannot_be_taken_in_keeps_its_place():
    rows = {"turns": [{"speaker": "seeker", "text": ""}, {"speaker": "seeker", "text": "Hello."}]}
    (talk,) = _read(json.dumps(rows).encode()).conversations
    assert [step.unread for step in talk.steps] == [True, False]


def test_that_reading_stops_where_nobody_waits_for_it():
    assert _read(json.dumps(DIALOGUE).encode(), tally=Tally(stopped=True)).conversations == ()
