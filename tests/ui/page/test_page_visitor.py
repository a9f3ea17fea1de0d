from __future__ import annotations

from typing import Any

import pytest

from agent.build import build_agent
from agent.errors import SettingsError
from agent.registry import make
from agent.settings import load_settings
from agent.testing import a_turn
from ui.page import own_data
from ui.page.desk import Desk, Reach
from ui.page.visitor import Choices, Visitor


@pytest.fixture(scope="module")
def agent():
    agent = build_agent(load_settings(store="memory", plugins=(), planner="none", tracker="none", guard="none"))
    yield agent
    agent.store.close()


def _desk(agent, reach: Reach | None = None, **settings: Any):
    return Desk(agent, load_settings(store="memory", **settings), reach or Reach())


def test_that_a_browser_owns_its_conversations_and_no_others():
    mine, theirs = Visitor.new(), Visitor.new()
    conversation = mine.new_conversation()
    assert mine.owns(conversation)
    assert not theirs.owns(conversation)
    assert not mine.owns("anything")
    assert not mine.owns(None)
    assert not mine.owns(mine.mark + "x" * 200)
    assert mine.secret not in conversation


@pytest.mark.parametrize(
    "kept",
    [None, "text", {}, {"secret": 3}, {"secret": ""}, {"secret": "short"}, {"secret": ["x"] * 43}],
    ids=["none", "text", "empty", "number", "blank", "short", "list"],
)
def test_that_a_browser_without_a_usable_secret_is_nobody_that_was_here(kept):
    assert Visitor.parsed(kept) is None


def test_that_what_a_browser_keeps_is_read_back():
    visitor = Visitor("s" * 43, Choices(persona="plain", kept=False))
    assert Visitor.parsed(visitor.as_kept()) == visitor


def test_that_choices_of_the_wrong_kind_are_left_out():
    parsed = Choices.parsed({"persona": 3, "country": "x" * 1000, "kept": "no", "planner": " rules\x00", "x": "y"})
    assert parsed == Choices(planner="rules")


def test_that_one_visitor_never_reads_erases_or_downloads_what_is_anothers(agent):
    desk = _desk(agent)
    mine, theirs = Visitor.new(), Visitor.new()
    conversation = theirs.new_conversation()
    agent.store.append(a_turn("mine alone", conversation_id=conversation))
    assert own_data.turns_of(desk, mine, conversation) == ()
    assert own_data.feedback_of(desk, mine, conversation) == {}
    assert own_data.entries(desk, mine) == []
    assert own_data.everything(desk, mine)["conversations"] == []
    assert own_data.erase(desk, mine, conversation) == 0
    assert own_data.erase(desk, mine) == 0
    assert len(own_data.turns_of(desk, theirs, conversation)) == 1
    assert own_data.everything(desk, theirs)["conversations"][0]["turns"][0]["text"] == "mine alone"
    assert own_data.erase(desk, theirs) == 1
    assert own_data.turns_of(desk, theirs, conversation) == ()


def test_that_what_is_not_kept_never_reaches_the_store(agent):
    desk = _desk(agent)
    visitor = Visitor("u" * 43, Choices(kept=False))
    conversation = visitor.new_conversation()
    desk.store_of(visitor, conversation).append(a_turn("passing", conversation_id=conversation))
    assert conversation not in agent.store.conversations()
    assert [entry.kept for entry in own_data.entries(desk, visitor)] == [False]


def test_that_an_address_of_an_llm_is_nobodys_to_name_but_where_only_this_machine_reaches_the_page(agent):
    wished = Choices(speaker="own", llm_url="http://169.254.169.254/latest", llm_model="x")
    behind_a_proxy = _desk(agent, Reach(near=False))
    assert behind_a_proxy.checked(wished) == Choices()
    assert behind_a_proxy.settings_for(wished).llm_url is None
    assert not _desk(agent, page={"visitor_llm": False}).may_name_llm
    assert _desk(agent, Reach(near=False), page={"visitor_llm": True}).may_name_llm
    assert _desk(agent).settings_for(wished).llm_url == "http://169.254.169.254/latest"


def test_that_the_key_of_one_llm_is_not_sent_to_another(agent):
    desk = _desk(agent, llm_url="http://127.0.0.1:1/v1", llm_api_key="operators", llm_model="theirs")
    settings = desk.settings_for(Choices(speaker="own", llm_url="http://127.0.0.1:2/v1"))
    assert settings.llm_api_key is None
    assert settings.llm_model is None
    assert desk.settings_for(Choices()).llm_api_key is not None


def test_that_an_address_that_is_none_is_refused(agent):
    for address in ("", "ftp://x", "http://"):
        with pytest.raises(SettingsError):
            _desk(agent).settings_for(Choices(speaker="own", llm_url=address))


def test_that_visitors_cannot_leave_the_policy_of_whoever_runs_the_page(agent):
    assert _desk(agent, Reach(near=False)).checked(Choices(policy="eu")).policy == ""
    assert _desk(agent).policy(Choices(policy="eu")).id == "eu"


def test_that_everything_is_kept_where_a_person_may_be_called(agent):
    assert _desk(agent, handoff_at="acute").checked(Choices(kept=False)).kept


def test_that_unknown_names_of_parts_are_not_taken_over(agent):
    checked = _desk(agent).checked(
        Choices(persona="../../etc/passwd.toml", planner="nope", variant="x", country="??")
    )
    assert checked == Choices()


@pytest.mark.parametrize("planner", ["predicted", "blend"])
def test_that_a_counter_weight_reaches_the_planner_and_is_one_of_those_measured(agent, planner):
    desk = _desk(agent)
    chosen = desk.settings_for(Choices(planner=planner, counterweight="0.5"))
    assert make("planners", planner, chosen).counterweight == 0.5
    for other in ("0.4", "-1", "2", "nan"):
        assert desk.checked(Choices(counterweight=other)) == Choices()
    set_here = _desk(agent, counterweight=0.3).settings_for(Choices(planner=planner))
    assert make("planners", planner, set_here).counterweight == 0.3
