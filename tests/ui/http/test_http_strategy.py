"""A request names the strategy of its reply: "answer another way"."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from http_serving import Serving, serving
from loop_parts import an_agent, offline

from agent.readings import RiskReading
from agent.testing import FixedPlugin
from strategies.rules import RulePlanner
from strategies.taxonomy import esconv

SAID = "I lost my job today."


@pytest.fixture
def server() -> Iterator[Serving]:
    with serving(an_agent(offline(*["I hear you."] * 9), planner=RulePlanner())) as server:
        yield server


def asked(server: Serving, **ours: Any) -> Any:
    return server.ask(SAID, extra_body={"heartline": ours}).model_extra["heartline"]


def test_that_the_reply_follows_the_strategy_that_the_request_names(server: Serving):
    usual = asked(server)["plan"]["strategy"]
    other = next(each.id for each in esconv().strategies if each.id != usual)
    told = asked(server, strategy=other, conversation_id="new")
    assert (told["plan"]["strategy"], told["plan"]["by_request"]) == (other, True)
    assert told["not_honoured"] == []
    assert asked(server)["plan"]["by_request"] is False
    (conversation,) = server.service.store.conversations()
    (turn,) = server.service.store.turns(conversation)
    assert turn.options.strategy == other


def test_that_an_unknown_strategy_is_refused_with_the_choices(server: Serving):
    answer = server.post(
        "/v1/chat/completions",
        {"messages": [{"role": "user", "content": SAID}], "heartline": {"strategy": "shouting"}},
    )
    error = answer.json()["error"]
    assert (answer.status_code, error["code"], error["param"]) == (400, "unsupported_value", "heartline.strategy")
    assert ", ".join(each.id for each in esconv().strategies) in error["message"]
    assert "shouting" not in error["message"]


def test_that_safety_comes_before_it_and_that_is_told():
    danger = [FixedPlugin("risk", RiskReading("acute", (), ()))]
    with serving(an_agent(offline("Take care."), planner=RulePlanner(), plugins=danger)) as server:
        told = asked(server, strategy="question")
    assert told["plan"]["by_request"] is False
    assert told["not_honoured"] == ["heartline.strategy"]


def test_that_a_profile_without_a_planner_offers_none():
    with serving(an_agent(offline("I hear you."))) as server:
        answer = server.post(
            "/v1/chat/completions",
            {"messages": [{"role": "user", "content": SAID}], "heartline": {"strategy": "question"}},
        )
    assert answer.status_code == 400
    assert "no planner" in answer.json()["error"]["message"]
