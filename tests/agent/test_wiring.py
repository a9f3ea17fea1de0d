"""What does not fit together is refused when the agent is built."""

from __future__ import annotations

import os
import subprocess
import sys
from itertools import permutations
from typing import Any

import pytest

from agent.errors import WiringError
from agent.loop import Agent
from agent.memory import InMemoryStore
from agent.perception import Perception
from agent.readings import Affect, RiskReading
from agent.testing import FixedPlugin, ScriptedGenerator, a_reading
from agent.turn import DECISION_FIELDS, GIVEN_FIELDS, READING_FIELDS
from agent.wiring import check_part, order_plugins


def plugin(writes: str, *reads: str, name: str | None = None) -> FixedPlugin:
    return FixedPlugin(writes, None, name=name, reads=reads or ("text",))


class Part:
    """Any part: a name, and what it reads."""

    def __init__(self, *reads: str) -> None:
        self.name = "part"
        self.reads = frozenset(reads)


def test_that_no_plugins_are_fine():
    assert order_plugins([]) == ()


@pytest.mark.parametrize("given", list(permutations(["expression", "affect", "emotion", "likely_strategies"])))
def test_that_each_plugin_comes_after_those_it_reads_in_whatever_order_they_are_given(given: tuple[str, ...]):
    reads = {
        "emotion": ("text", "history"),
        "expression": ("text",),
        "affect": ("emotion", "expression"),
        "likely_strategies": ("affect", "state_before"),
    }
    ordered = [part.writes for part in order_plugins([plugin(name, *reads[name]) for name in given])]
    assert sorted(ordered) == sorted(given)
    assert ordered.index("affect") > max(ordered.index("emotion"), ordered.index("expression"))
    assert ordered[-1] == "likely_strategies"


def test_that_plugins_that_do_not_wait_keep_the_order_they_were_given_in():
    for given in permutations(["risk", "cause", "emotion"]):
        assert [part.writes for part in order_plugins([plugin(name) for name in given])] == list(given)


ORDER = """
from agent.testing import FixedPlugin
from agent.wiring import order_plugins

fields = ("emotion", "expression", "cause", "risk")
late = FixedPlugin("affect", None, reads=fields)
print([plugin.writes for plugin in order_plugins([late, *(FixedPlugin(name, None) for name in fields)])])
"""


def test_that_the_order_is_the_same_in_every_process():
    printed = {
        subprocess.run(
            [sys.executable, "-c", ORDER],
            env=os.environ | {"PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2", "3")
    }
    assert len(printed) == 1


@pytest.mark.parametrize("field", sorted(GIVEN_FIELDS))
def test_that_what_is_given_may_always_be_read(field: str):
    check_part("planner", Part(field), written=frozenset())
    assert order_plugins([plugin("emotion", field)])


def refused(*plugins: FixedPlugin) -> str:
    with pytest.raises(WiringError) as caught:
        order_plugins(plugins)
    return str(caught.value)


def test_that_two_plugins_of_one_name_are_refused():
    message = refused(plugin("emotion", name="mine"), plugin("risk", name="mine"))
    assert message == "Two plugins are called 'mine'. Leave one out of `plugins`."


def test_that_two_plugins_that_write_one_field_are_refused():
    message = refused(plugin("emotion", name="one"), plugin("emotion", name="two"))
    assert message == "Plugins 'one' and 'two' both write `emotion`. Leave one out of `plugins`."


@pytest.mark.parametrize("field", [*sorted(DECISION_FIELDS), "text", "history", "state_before", "mood"])
def test_that_plugins_write_readings_only(field: str):
    message = refused(plugin(field, name="mine"))
    assert f"Plugin 'mine' writes `{field}`" in message
    for choice in READING_FIELDS:
        assert choice in message


def test_that_a_field_no_turn_has_is_refused_with_the_choices():
    message = refused(plugin("emotion", "mood", name="mine"))
    assert "The plugin 'mine' reads `mood`, which no turn has." in message
    for choice in GIVEN_FIELDS | READING_FIELDS | DECISION_FIELDS:
        assert choice in message


@pytest.mark.parametrize("field", ["risk", "plan", "state", "reply"])
def test_that_a_plugin_that_reads_what_nothing_before_it_writes_is_refused(field: str):
    message = refused(plugin("emotion", field, name="mine"))
    assert f"The plugin 'mine' reads `{field}`, which nothing before it writes." in message
    assert f"Add a part that writes `{field}`, or leave 'mine' out." in message


def test_that_plugins_that_wait_for_each_other_are_refused():
    message = refused(plugin("emotion", "cause"), plugin("cause", "affect"), plugin("affect", "emotion"))
    assert message.startswith("Plugins wait for each other: ")
    circle = message.removeprefix("Plugins wait for each other: ").partition(".")[0].split(" -> ")
    assert circle[0] == circle[-1]
    assert set(circle) == {"emotion", "cause", "affect"}


def test_that_a_plugin_that_waits_for_itself_is_refused():
    assert "emotion -> emotion" in refused(plugin("emotion", "text", "emotion"))


def agent(**parts: Any) -> Agent:
    given: dict[str, Any] = {"plugins": [], "generator": ScriptedGenerator(), "store": InMemoryStore()}
    return Agent(**(given | parts))


STAGES = ["tracker", "guard", "planner", "composer", "generator", "fallback"]


@pytest.mark.parametrize("kind", STAGES)
def test_that_an_agent_refuses_a_part_that_reads_what_no_plugin_writes(kind: str):
    with pytest.raises(WiringError, match=rf"The {kind} 'part' reads `risk`, which nothing before it writes"):
        agent(**{kind: Part("text", "risk")})
    agent(plugins=[plugin("risk")], **{kind: Part("text", "risk")})


@pytest.mark.parametrize(
    ("writer", "field", "later"),
    [
        ("tracker", "state", ["guard", "planner", "composer", "generator", "fallback"]),
        ("planner", "plan", ["composer", "generator", "fallback"]),
        ("composer", "prompt", ["generator", "fallback"]),
    ],
)
def test_that_an_agent_lets_a_part_read_what_an_earlier_stage_writes_and_only_that(
    writer: str, field: str, later: list[str]
):
    for kind in STAGES:
        parts = {writer: Part("text"), kind: Part(field)}
        if kind in later:
            agent(**parts)
        else:
            with pytest.raises(WiringError, match=rf"The {kind} 'part' reads `{field}`"):
                agent(**parts)


def test_that_an_agent_refuses_plugins_that_do_not_fit():
    with pytest.raises(WiringError, match="both write `emotion`"):
        agent(plugins=[plugin("emotion", name="one"), plugin("emotion", name="two")])


def test_that_perception_alone_refuses_them_too():
    with pytest.raises(WiringError, match="nothing before it writes"):
        Perception([plugin("affect", "emotion")])


def test_that_the_whole_chain_fits():
    plugins = [FixedPlugin("emotion", a_reading()), FixedPlugin("affect", Affect(0, 0, 0), reads=["emotion"])]
    agent(
        plugins=[*plugins, FixedPlugin("risk", RiskReading("none"))],
        tracker=Part("affect", "state_before"),
        guard=Part("risk", "state"),
        planner=Part("emotion", "state", "history"),
        composer=Part("plan", "state", "text"),
        generator=Part("prompt"),
        fallback=Part("plan", "emotion"),
    )
