"""Who may look after people who wait, what they see, and what becomes of what they do. Without a browser."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import gradio as gr
import pytest

from agent.decisions import Handoff
from agent.errors import HeldError, StoreError, UnknownConversationError
from agent.memory_sqlite import SQLiteStore
from agent.safety.course import RiskChange, RiskCourse
from agent.settings import load_settings
from tests.contracts.store_contract import recalled_turn, said
from tests.loop_parts import an_agent, offline
from ui.http.errors import ApiError
from ui.page import own_data
from ui.page.chat_views import Views
from ui.page.desk import Desk, Reach
from ui.page.handoff_views import OperatorViews, digest_of
from ui.page.operator_tab import TAB, OperatorTab
from ui.page.operators import MOST, Operator, let_in, opened, queue_of, trouble_for
from ui.page.people import people_in
from ui.page.risk_picture import levels
from ui.page.tab import Page
from ui.page.texts import texts_in
from ui.page.visitor import Visitor

EN, DE = texts_in("en"), texts_in("de")
HERE = SimpleNamespace(client=SimpleNamespace(host="127.0.0.1"), username=None)
NEAR = Reach()
MARKUP = "<b>words</b> of theirs"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SQLiteStore]:
    with closing(SQLiteStore(tmp_path / "talks.db")) as store:
        yield store


def a_desk(store: Any, reach: Reach = NEAR, **settings: Any) -> Desk:
    return Desk(an_agent(offline("I hear you."), store=store), load_settings(**settings), reach)


def course(level: Any, *, before: Any = "none", turn: int = 0) -> RiskCourse:
    return RiskCourse(level, peak=level, changes=(RiskChange(turn, "self", before, level, "said", ((3, 8),)),))


def called(store: Any, conversation_id: str, level: Any = "plan", **given: Any) -> None:
    """A turn that a person is called with."""
    reason = given.pop("reason", level)
    given = {"id": f"{conversation_id}-1", "course": course(level), "reply": said("I am with you.")} | given
    handoff = Handoff(reason, consent=given.pop("consent", None))
    store.append(recalled_turn(store, MARKUP, conversation_id=conversation_id, handoff=handoff, **given))


# --- who gets in ---------------------------------------------------------------------------------


def test_that_only_a_page_that_nobody_else_reaches_and_that_never_had_a_key_does_without_one(store):
    assert let_in(a_desk(store), "").keyless
    with pytest.raises(ApiError) as refused:
        let_in(a_desk(store, Reach(near=False, root_path="/talk")), "")
    assert refused.value.status == 401
    secret, key = store.api_keys.create("", name="desk", rights=["handoff"])
    near = a_desk(store)
    with pytest.raises(ApiError, match="key is needed"):
        let_in(near, "  ")
    found = let_in(near, f" {secret} ")
    assert (found.name, found.keyless) == ("desk", False)
    store.api_keys.revoke(key.id)
    with pytest.raises(ApiError, match="not valid"):  # from the next request on
        let_in(near, secret)


def test_that_a_key_needs_the_right_and_wrong_ones_are_limited(store):
    secret, _ = store.api_keys.create("acme", rights=["chat", "read"])
    desk = a_desk(store, Reach(near=False, keys=True), key_limits={"wrong_per_minute": 2})
    with pytest.raises(ApiError) as refused:
        let_in(desk, secret, address="10.0.0.7")
    assert trouble_for(refused.value).key == "operator.no_right"
    told = []
    for _ in range(3):
        with pytest.raises(ApiError) as wrong:
            let_in(desk, "hl_wrong", address="10.0.0.7")
        told.append(trouble_for(wrong.value).key)
    assert told == ["operator.wrong_key", "operator.wrong_key", "operator.too_many"]
    with pytest.raises(ApiError) as elsewhere:
        let_in(desk, "hl_wrong", address="10.0.0.8")
    assert trouble_for(elsewhere.value).key == "operator.wrong_key"


def test_that_strangers_without_keys_are_not_offered_the_tab(store):
    assert TAB.offered(a_desk(store))
    assert TAB.offered(a_desk(store, Reach(near=False, keys=True)))
    assert not TAB.offered(a_desk(store, Reach(near=False, root_path="/talk")))


def test_that_a_key_sees_its_tenant_alone(store):
    called(store.for_tenant("acme"), "c")
    called(store.for_tenant("other"), "d", id="other")
    secret, _ = store.api_keys.create("acme", rights=["handoff"])
    acme = let_in(a_desk(store, Reach(near=False, keys=True)), secret)
    assert [case.conversation_id for case in queue_of(acme)] == ["c"]
    with pytest.raises(UnknownConversationError):
        opened(acme, "d")


# --- the queue -----------------------------------------------------------------------------------


def test_that_who_waits_stands_first_and_the_most_urgent_before_the_newest(store):
    operator = Operator(store)
    assert queue_of(operator) == []
    for name, level in (
        ("plan", "plan"),
        ("older", "none"),
        ("acute", "acute"),
        ("newer", "none"),
        ("held", "acute"),
    ):
        called(store, name, level, reason="asked" if level == "none" else level)
    store.hold("held", by="Amy")
    assert [(case.conversation_id, case.state, case.held_by) for case in queue_of(operator)] == [
        ("acute", "waiting", None),
        ("plan", "waiting", None),
        ("newer", "waiting", None),
        ("older", "waiting", None),
        ("held", "held", "Amy"),
    ]


def test_that_what_was_given_back_waits_again_once_somebody_is_called_again(store):
    operator = Operator(store)
    called(store, "c", "plan")
    store.hold("c", by="Amy")
    store.release("c")
    (case,) = queue_of(operator)
    assert (case.state, case.step) == ("given_back", "plan")
    called(store, "c", "acute", id="c-2")
    (again,) = queue_of(operator)
    assert (again.state, again.step) == ("waiting", "acute")
    assert again.since > case.since
    store.erase("c")
    assert queue_of(operator) == []


def test_that_only_what_a_person_was_called_for_can_be_opened(store):
    store.append(recalled_turn(store, "Nobody was called.", conversation_id="private"))
    with pytest.raises(UnknownConversationError):
        opened(Operator(store), "private")


def test_that_an_opened_case_goes_on_to_the_newest_turn(store):
    called(store, "c", consent=True)
    store.append(recalled_turn(store, "Are you there?", conversation_id="c", id="later"))
    found = opened(Operator(store), "c")
    assert [turn.seeker for turn in found.packet.turns] == [MARKUP, "Are you there?"]
    assert found.packet.consent is True
    assert levels(found.turns) == [("plan", "none")] * 2


# --- what is seen of it --------------------------------------------------------------------------


@pytest.mark.parametrize("texts", [EN, DE], ids=["en", "de"])
def test_that_a_case_shows_the_packet_and_words_never_become_markup(store, texts):
    called(store, "c")
    store.hold("c", by="A<i>my")
    store.say("c", "Hello <script>", by="A<i>my")
    views = OperatorViews(a_desk(store, handoff_url="https://desk.example/take", handoff_secret="s" * 16), texts)
    found = opened(Operator(store), "c")
    shown = views.case(found, me="A<i>my", now=datetime.now(UTC))
    assert "&lt;b&gt;words&lt;/b&gt; of theirs" in shown
    assert "Hello &lt;script&gt;" in shown
    assert "<b>words" not in shown
    assert "A<i>my" not in shown
    for key in ("operator.consent_unasked", "operator.give_back", "operator.packet_queued", "operator.picture"):
        assert texts(key) in shown
    assert f'<q dir="auto">{MARKUP[3:8]}</q>' in shown  # the words that stand for the rise
    assert texts("operator.take_on", name="A&lt;i&gt;my") in views.case(found, me="Ben", now=datetime.now(UTC))


def test_that_a_list_that_may_leave_somebody_out_says_so(store):
    called(store, "c")
    operator = Operator(store, "Amy")
    views = OperatorViews(a_desk(store), EN)
    (case,) = queue_of(operator)
    more = EN("operator.only", n=MOST)
    few, many = (views.queue(operator, [case] * n, current="", now=case.since) for n in (MOST - 1, MOST))
    assert (more in few, more in many) == (False, True)


def test_that_the_queue_holds_no_words_and_tells_what_to_do(store):
    called(store, "c")
    now = datetime.now(UTC)
    off = OperatorViews(a_desk(store), EN)
    on = OperatorViews(a_desk(store, handoff_at="plan"), EN)
    operator = let_in(a_desk(store), "")
    cases = queue_of(operator)
    shown = off.queue(operator, cases, current="c", now=now + timedelta(hours=5))
    assert "words" not in shown
    assert 'aria-current="true"' in shown
    assert EN("operator.off").split(":")[0] in shown
    assert EN("operator.keyless") in shown
    assert "5 h" in shown
    assert EN("operator.off").split(":")[0] not in on.queue(operator, cases, current="", now=now)
    assert EN("operator.rise_self", step="plan") in off.counters(operator, now=now)
    before = digest_of(on.queue(operator, cases, current="", now=now))
    assert before == digest_of(on.queue(operator, queue_of(operator), current="", now=now))
    store.hold("c", by="Amy")
    assert before != digest_of(on.queue(operator, queue_of(operator), current="", now=now))


# --- what is done --------------------------------------------------------------------------------


class Room:
    """The tab with one operator in it."""

    def __init__(self, desk: Desk, name: str, key: str = "") -> None:
        with gr.Blocks() as blocks:
            page = Page(desk, EN, blocks, gr.BrowserState(None), gr.Textbox(""))
            self.tab = OperatorTab(page)
        self.name, self.key, self.shown = name, key, ""

    async def does(self, do: str, named: str = "c") -> str:
        event: Any = SimpleNamespace(_data={"do": do, "id": named})
        return self._seen(await self.tab.act(self.key, self.shown, self.name, HERE, event))  # type: ignore[arg-type]

    async def says(self, words: str) -> str:
        return self._seen(await self.tab.say(self.key, self.shown, self.name, words, HERE))  # type: ignore[arg-type]

    async def looks(self, seen: str = "") -> dict[Any, Any]:
        event: Any = SimpleNamespace(_data={"seen": seen})
        return await self.tab.look(self.key, self.shown, self.name, HERE, event)  # type: ignore[arg-type]

    def _seen(self, found: dict[Any, Any]) -> str:
        self.shown = found.get(self.tab.shown, self.shown)
        self.found = found
        told: str = found[self.tab.told]
        return told


async def test_that_of_two_operators_the_second_is_told_who_has_it(store):
    called(store, "c")
    desk = a_desk(store)
    amy, ben = Room(desk, "Amy"), Room(desk, "Ben")
    for each in (amy, ben):
        await each.does("open_case")
    assert EN("operator.taken") in await amy.does("take")
    assert "Amy has taken this conversation over" in await ben.does("take")
    assert "Amy has taken this conversation over" in await ben.says("Hello.")
    assert store.held_by("c") == "Amy"
    assert EN("operator.sent") in await amy.says("Hello, I am Amy.")
    assert EN("operator.taken") in await ben.does("take_on")  # a shift ends
    assert "Ben has taken this conversation over" in await amy.says("Still here.")
    assert amy.tab.words not in amy.found  # what was not sent stays in the box
    assert "Ben has taken this conversation over" in await amy.does("give_back")
    assert EN("operator.given_back") in await ben.does("give_back")
    assert EN("operator.not_held") in await ben.says("Hello.")
    acts = [(act.by, act.did, act.words) for act in store.human_acts("c")]
    assert acts == [
        ("Amy", "took_over", None),
        ("Amy", "said", "Hello, I am Amy."),
        ("Ben", "took_over", None),
        ("Ben", "gave_back", None),
    ]


async def test_that_whoever_takes_over_has_a_name_and_takes_only_what_is_in_the_queue(store):
    called(store, "c")
    store.append(recalled_turn(store, "Nobody was called.", conversation_id="private", id="p"))
    nobody, amy = Room(a_desk(store), "  "), Room(a_desk(store), "Amy")
    assert EN("operator.no_name") in await nobody.does("take")
    assert EN("operator.gone") in await amy.does("take", "private")
    assert (store.held_by("c"), store.held_by("private")) == (None, None)


async def test_that_with_a_key_its_name_takes_over_and_writes_whatever_was_typed(store):
    acme = store.for_tenant("acme")
    called(acme, "c")
    desk = a_desk(store, Reach(near=False, keys=True))
    amy, ben = (
        Room(desk, "Mallory", store.api_keys.create("acme", name=name, rights=["handoff"])[0])
        for name in ("Amy", "Ben")
    )
    await amy.does("take")
    assert EN("operator.as", name="Amy") in (await amy.looks())[amy.tab.queue]
    await amy.does("open_case")
    assert EN("operator.sent") in await amy.says("Hello.")
    assert EN("operator.mine") in amy.found[amy.tab.case]
    assert "Amy has taken this conversation over" in await ben.does("take")
    assert "Amy has taken this conversation over" in await ben.does("give_back")
    assert [(act.by, act.did) for act in acme.human_acts("c")] == [("Amy", "took_over"), ("Amy", "said")]
    secret, key = store.api_keys.create("acme", rights=["handoff"])
    assert let_in(desk, secret).called("Mallory") == f"key {key.id}"


async def test_that_nothing_is_drawn_where_nothing_is_new(store):
    called(store, "c")
    room = Room(a_desk(store), "Amy")
    first = await room.looks()
    assert "c" in first[room.tab.queue]
    seen = first[room.tab.pulse].partition('data-watch="')[2].partition('"')[0]
    again = await room.looks(seen)
    assert list(again) == [room.tab.pulse]
    called(store, "d")
    assert room.tab.queue in await room.looks(seen)


async def test_that_a_key_that_opens_nothing_any_more_takes_everything_from_the_screen(store):
    called(store.for_tenant("acme"), "c")
    secret, key = store.api_keys.create("acme", rights=["handoff"])
    room = Room(a_desk(store, Reach(near=False, keys=True)), "Amy", secret)
    assert 'data-operator="open"' in (await room.looks())[room.tab.pulse]
    store.api_keys.revoke(key.id)
    gone = await room.looks("x")
    assert gone[room.tab.key] == gone[room.tab.queue] == gone[room.tab.case] == ""
    assert EN("operator.wrong_key") in gone[room.tab.told]
    assert "data-watch" not in gone[room.tab.pulse]  # nothing is asked for until somebody comes in again


async def test_that_a_store_that_fails_is_told_of_in_the_operators_words(store):
    room = Room(a_desk(store), "Amy")
    store.close()
    found = await room.looks()
    assert EN("operator.store") in found[room.tab.told]
    assert trouble_for(StoreError("secret")).key == "operator.store"
    assert trouble_for(HeldError("x", held_by="Amy")).given == (("name", "Amy"),)


# --- what the person sees ------------------------------------------------------------------------


def test_that_the_person_sees_who_took_over_and_what_they_write_where_it_was_said(store):
    desk, visitor = a_desk(store), Visitor("v" * 43)
    here = visitor.new_conversation()
    called(store, here)
    assert people_in(desk, visitor, here).watched
    store.hold(here, by="Amy")
    store.say(here, "Hello, <i>I</i> am Amy.", by="Amy")
    store.append(recalled_turn(store, "Thank you.", conversation_id=here, id="two", reply=said("I've kept this.")))
    store.release(here)
    shown = Views(desk, EN).talk(visitor, here, store.turns(here))
    order = [
        "of theirs",
        EN("people.took_over"),
        "Hello, &lt;i&gt;I&lt;/i&gt; am Amy.",
        "Thank you.",
        EN("people.gave_back"),
    ]
    places = [shown.index(words) for words in order]
    assert places == sorted(places)
    assert EN("people.who", name="Amy") in shown
    assert 'data-watch="3"' in shown
    everything = own_data.everything(desk, visitor)["conversations"][0]["people"]
    assert [act["did"] for act in everything] == ["took_over", "said", "gave_back"]
    assert people_in(desk, Visitor("w" * 43), here).acts == ()


def test_that_a_conversation_that_nobody_has_to_do_with_asks_for_no_news(store):
    desk, visitor = a_desk(store), Visitor("v" * 43)
    here = visitor.new_conversation()
    store.append(recalled_turn(store, "Hello.", conversation_id=here, reply=said("Hello.")))
    assert "data-watch" not in Views(desk, EN).talk(visitor, here, store.turns(here))
