"""Profiles: named settings, each a model; and the order of turns in one conversation."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from fake_llm_server import WAIT, FakeLLMServer, says
from http_serving import serving, serving_all, wait_until
from loop_parts import PlainComposer, an_agent, offline

from agent.errors import SettingsError
from agent.generator import create
from agent.settings import load_settings
from ui.http.order import InOrder
from ui.http.profiles import build_service
from ui.http.tenancy import Tenant

FILE = """
[profiles.bright]
persona = "bright"
client_instructions = true

[profiles.british]
country = "GB"
"""


@pytest.fixture
def _file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "heartline.toml").write_text(FILE)
    monkeypatch.setenv("HEARTLINE_CONFIG", str(tmp_path / "heartline.toml"))


@pytest.mark.usefixtures("_file")
async def test_that_profiles_of_the_file_become_agents_on_one_store():
    service = build_service(load_settings(store="memory"), default="bright")
    assert list(service.profiles) == ["heartline", "bright", "british"]
    assert len({id(profile.agent.store) for profile in service.profiles.values()}) == 1
    assert len({id(profile.agent.perception) for profile in service.profiles.values()}) == 1
    assert service.profiles["british"].agent.guard.country.code == "GB"
    assert service.profiles["heartline"].agent.guard.country.code != "GB"
    assert service.profiles["bright"].settings.client_instructions
    assert service.profile(None, Tenant(None)).name == "bright"
    assert await service.problem() is None
    await service.aclose()


@pytest.mark.usefixtures("_file")
def test_that_there_must_be_the_profile_that_is_named():
    with pytest.raises(
        SettingsError, match=r"No profile is called 'dark'\. There are: heartline, bright, british"
    ):
        build_service(load_settings(store="memory"), default="dark")


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"store_path": "x.db"}, "Profile 'p': It sets store_path, which all profiles have in common"),
        ({"persona": "dark"}, "Profile 'p'"),
        ({"colour": "red"}, "Profile 'p': No setting is called `colour`"),
    ],
)
def test_that_a_profile_that_cannot_be_used_is_named(changes: dict[str, str], problem: str):
    with pytest.raises(SettingsError, match=problem):
        build_service(load_settings(store="memory", profiles={"p": changes}))


@pytest.mark.parametrize("name", ["a b", "heartline", "", "-x", "x" * 65])
def test_that_a_profile_has_a_name_that_can_stand_in_a_url(name: str):
    with pytest.raises(SettingsError, match="profiles"):
        load_settings(profiles={name: {}})


def test_that_each_model_answers_for_itself():
    made = load_settings(store="memory")
    with serving_all(
        {"heartline": (an_agent(offline("A.")), made), "b": (an_agent(offline("B.")), made)}
    ) as server:
        assert [model.id for model in server.client.models.list()] == ["heartline", "b"]
        answer = server.ask("Hello.", model="b")
    assert (answer.choices[0].message.content, answer.model) == ("B.", "b")


def test_that_a_second_turn_of_a_conversation_waits_for_the_first():
    script = says("One.", WAIT), says("Two.")
    extra = {"heartline": {"conversation_id": "a"}}
    with FakeLLMServer(*script) as llm:
        agent = an_agent(create(llm.settings()), composer=PlainComposer(), fallback=offline())
        with serving(agent, llm_url=llm.url, llm_model="tiny") as server:
            first = server.ask("First.", stream=True, extra_body=extra)
            next(first)
            waiting = asyncio.run(_both(server, llm, extra, first))
            turns = server.service.store.turns("a")
    assert waiting == "Two."
    assert [turn.text for turn in turns] == ["First.", "Second."]
    assert [message.text for message in turns[1].history] == ["First.", "One."]


async def _both(server, llm, extra, first):
    second = asyncio.create_task(asyncio.to_thread(server.ask, "Second.", extra_body=extra))
    await asyncio.to_thread(wait_until, lambda: len(server.service.drain.running) == 2)
    assert await asyncio.to_thread(llm.asked.wait, 30)
    assert len(llm.requests) == 1
    llm.go_on()
    list(first)
    return (await second).choices[0].message.content


async def test_that_nothing_is_left_of_an_order_that_is_done():
    order = InOrder()
    seen = []

    async def turn(name: str) -> None:
        async with order.turn_of("a"):
            seen.append(name)
            await asyncio.sleep(0)
            seen.append(name)

    broken = asyncio.create_task(turn("x"))
    await asyncio.sleep(0)
    waiting = [asyncio.create_task(turn(name)) for name in "bcd"]
    await asyncio.sleep(0)
    waiting[1].cancel()
    await asyncio.gather(broken, *waiting, return_exceptions=True)
    assert seen == ["x", "x", "b", "b", "d", "d"]
    assert order._locks == {}
