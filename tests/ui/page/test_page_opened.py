from __future__ import annotations

from agent.testing import a_turn
from ui.dialogues import Spoken
from ui.page.opened import Conversation, Opened
from ui.trajectories import stored

TALK = Conversation.of(stored("c", [a_turn("Hello  there.\nYou."), a_turn("And again.", id="2", index=1)]))


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_that_a_file_belongs_to_whoever_opened_it():
    opened = Opened()
    name = opened.put([TALK], of="mine", size=1)
    assert opened.get(name, of="mine") == (TALK,)
    assert opened.get(name, of="theirs") == ()
    assert opened.get("guessed", of="mine") == ()


def test_that_a_file_that_rests_for_an_hour_is_let_go():
    clock = Clock()
    opened = Opened(clock=clock)
    name, other = opened.put([TALK], of="mine", size=1), opened.put([TALK], of="mine", size=1)
    clock.now = 3000.0
    assert opened.get(name, of="mine")
    clock.now = 4000.0
    assert opened.get(other, of="mine") == ()
    assert opened.get(name, of="mine") == (TALK,)


def test_that_the_longest_unused_make_room_and_the_newest_always_fits():
    opened = Opened(most=10)
    first, second = opened.put([TALK], of="me", size=4), opened.put([TALK], of="me", size=4)
    opened.get(first, of="me")
    third = opened.put([TALK], of="me", size=5)
    assert [bool(opened.get(name, of="me")) for name in (first, second, third)] == [True, False, True]
    huge = opened.put([TALK], of="me", size=100)
    assert [bool(opened.get(name, of="me")) for name in (first, third, huge)] == [False, False, True]


def test_that_a_conversation_is_called_as_it_begins_and_has_the_answers_of_a_plain_dialogue():
    said = [
        Spoken("supporter", "Hi."),
        Spoken("seeker", "x"),
        Spoken("supporter", "One."),
        Spoken("supporter", "Two."),
    ]
    found = Conversation.of(stored("c", [a_turn("Hello  there.\nYou.")]), said=said)
    assert (found.title, found.answers) == ("Hello there. You.", ("One.\nTwo.",))
    assert Conversation.of(stored("c", [])).title == "c"
