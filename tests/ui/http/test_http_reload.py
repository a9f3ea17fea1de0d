"""SIGHUP: new settings and profiles while the server runs, with no request lost and no turn torn."""

from __future__ import annotations

import asyncio
import signal
import threading
from pathlib import Path
from typing import Any

from fake_llm_server import WAIT, FakeLLMServer, says
from http_serving import wait_until
from loop_parts import an_agent, offline
from ops_process import ops_process

from agent.settings import load_settings
from ui.http.profiles import DEFAULT, Profile, Service
from ui.http.reloading import Reloading

AGAIN = "was read again"
NOT_AGAIN = "was not read again"


def models(server: Any) -> list[str]:
    return [model["id"] for model in server.http.get("/v1/models").json()["data"]]


def test_that_profiles_come_and_go_and_a_bad_file_changes_nothing(tmp_path: Path):
    file = tmp_path / "heartline.toml"
    file.write_text('[profiles.one]\npersona = "plain"\n')
    with ops_process(tmp_path, HEARTLINE_CONFIG=str(file)) as server:
        assert models(server) == ["heartline", "one"]
        conversation = {"X-Heartline-Conversation": "a"}
        assert server.ask("Hello.", headers=conversation).status_code == 200

        file.write_text('[profiles.two]\npersona = "no-such-persona"\n')
        server.process.send_signal(signal.SIGHUP)
        line = server.logged(NOT_AGAIN)
        assert (line["level"], line["logger"]) == ("error", "heartline.http")
        assert "Profile 'two'" in line["message"]
        assert "no-such-persona" in line["message"]
        assert models(server) == ["heartline", "one"]

        file.write_text(
            f'max_body_bytes = 1500\nstore_path = "{tmp_path}/other.db"\n[profiles.two]\ncountry = "GB"\n'
        )
        server.process.send_signal(signal.SIGHUP)
        assert server.logged(AGAIN)["message"].endswith("Profiles: heartline, two.")
        assert models(server) == ["heartline", "two"]
        # What lives as long as the server is named, and is as it was.
        assert server.logged("`max_body_bytes` changed")["level"] == "warning"
        assert server.ask("x" * 1_600).status_code == 200
        turns = server.http.get("/v1/heartline/conversations/a").json()["turns"]
        assert len(turns) == 1
        assert 'heartline_reloads_total{result="ok"} 1.0' in server.http.get("/metrics").text
        assert 'heartline_reloads_total{result="failed"} 1.0' in server.http.get("/metrics").text

        file.write_text("this is no TOML")
        server.process.send_signal(signal.SIGHUP)
        wait_until(lambda: server.log.count(NOT_AGAIN) == 2)
        assert models(server) == ["heartline", "two"]


def test_that_no_request_is_lost_while_the_configuration_is_read_again(tmp_path: Path):
    file = tmp_path / "heartline.toml"
    file.write_text('persona = "calm"\n')
    answers: list[int] = []
    stop = threading.Event()
    with ops_process(tmp_path, HEARTLINE_CONFIG=str(file)) as server:

        def talk(number: int) -> None:
            while not stop.is_set():
                headers = {"X-Heartline-Conversation": f"c{number}"}
                answers.append(server.ask("It rains.", stream=bool(number), headers=headers).status_code)

        talking = [threading.Thread(target=talk, args=(number,)) for number in range(2)]
        for thread in talking:
            thread.start()
        try:
            for round_ in range(3):
                before = len(answers)
                wait_until(lambda so_far=before: len(answers) >= so_far + 3)  # they talk
                file.write_text(f'persona = "{("plain", "bright", "calm")[round_]}"\n')
                server.process.send_signal(signal.SIGHUP)
                wait_until(lambda so_far=round_: server.log.count(AGAIN) == so_far + 1)
        finally:
            stop.set()
            for thread in talking:
                thread.join()
        told = [server.http.get(f"/v1/heartline/conversations/c{number}").json() for number in range(2)]
    assert set(answers) == {200}
    assert len(answers) >= 9
    assert sum(each["total_turns"] for each in told) == len(answers)
    assert "Traceback" not in server.log


def test_that_a_turn_that_runs_ends_with_the_agent_that_it_began_with(tmp_path: Path):
    file = tmp_path / "heartline.toml"
    with FakeLLMServer(says("One. ", WAIT, "Two.")) as llm:
        at_first = f'llm_url = "{llm.url}"\nllm_model = "tiny"\nllm_context = 8192\ntwo_stage = "inline"\n'
        file.write_text(at_first + "notices_in_content = false\n")
        with ops_process(tmp_path, HEARTLINE_CONFIG=str(file)) as server:
            said: list[str] = []
            body = {"messages": [{"role": "user", "content": "Hello there."}], "stream": True}

            def listen() -> None:
                with server.http.stream("POST", "/v1/chat/completions", json=body) as answer:
                    said.extend(answer.iter_lines())

            listening = threading.Thread(target=listen)
            listening.start()
            wait_until(lambda: any("One." in line for line in said))
            file.write_text("notices_in_content = false\n")
            server.process.send_signal(signal.SIGHUP)
            server.logged(AGAIN)
            fresh = server.ask("Hello there.").json()
            assert fresh["heartline"]["reply"]["speaker"] == "offline"
            llm.go_on()
            listening.join()
    assert said[-2] == "data: [DONE]"
    assert '"speaker":"tiny"' in said[-4]


class Closing:
    """A generator that notes when it is let go."""

    def __init__(self) -> None:
        self.scripted = offline("A.")
        self.name, self.reads, self.closed = "closing", frozenset({"text"}), asyncio.Event()

    def generate(self, turn: Any) -> Any:
        return self.scripted.generate(turn)

    async def aclose(self) -> None:
        self.closed.set()


async def test_that_old_agents_are_closed_after_the_last_request_that_may_have_them_and_the_store_is_not():
    speaks = Closing()
    settings = load_settings(store="memory")
    agent = an_agent(speaks)
    service = Service({DEFAULT: Profile(DEFAULT, agent, settings)}, agent.store)
    ending = asyncio.Event()
    running = asyncio.create_task(ending.wait())
    service.drain.running.add(running)
    assert await Reloading(service, lambda: settings).reload()
    renewed = service.profiles[DEFAULT].agent
    assert renewed is not agent
    assert (renewed.store, renewed.perception) == (agent.store, agent.perception)
    for _ in range(10):
        await asyncio.sleep(0)
    assert not speaks.closed.is_set()
    ending.set()
    async with asyncio.timeout(20):
        await speaks.closed.wait()
    assert agent.store.conversations() == ()
    await service.aclose()


async def test_that_the_profile_for_requests_that_name_none_must_stay():
    settings = load_settings(store="memory")
    agent = an_agent(offline())
    kept = {name: Profile(name, agent, settings) for name in (DEFAULT, "shop")}
    service = Service(kept, agent.store, default="shop")
    assert not await Reloading(service, lambda: settings).reload()
    assert list(service.profiles) == [DEFAULT, "shop"]
