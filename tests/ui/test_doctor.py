"""`heartline doctor`: what is well, what is broken, and what to do about it."""

from __future__ import annotations

import json
import shutil
import socket
from datetime import datetime, tzinfo
from pathlib import Path
from typing import Any, Self

import pytest
from faces import heartline
from fake_llm_server import FakeLLMServer, Step, answers, fails, lists, obeys, tokenizes

from agent.settings import load_settings
from sem_plugins.weights import SHIPPED
from ui.doctor import Finding, examine, report


def found(about: str, home: Path, **settings: Any) -> Finding:
    """The finding about one thing; the store lies in `home`."""
    chosen = load_settings(**({"store_path": home / "talks.db"} | settings))
    (finding,) = [finding for finding in examine(chosen) if finding.about == about]
    return finding


def looked_at(*can: str, listed: Step | None = None) -> list[Step]:
    """What a vLLM answers where its models are fine: the list, twice, and what it can do."""
    return [
        listed or lists("tiny", "big", owner="vllm", max_model_len=1024),
        listed or lists("tiny", "big", owner="vllm", max_model_len=1024),
        answers({"version": "0.32.0"}, path="/version", beside=True),
        tokenizes(),
        answers("vllm:prefix_cache_hits_total 1.0", path="/metrics", beside=True),
        fails(404, path="/embeddings"),
        *[obeys(*can)] * 5,
    ]


def told(server: FakeLLMServer, home: Path, **settings: Any) -> dict[str, tuple[str, str]]:
    """Status and text of everything that is said of the LLM."""
    chosen = load_settings(store_path=home / "talks.db", llm_url=server.url, **settings)
    findings = [finding for finding in examine(chosen) if finding.about.startswith("llm")]
    return {finding.about: (finding.status, finding.text) for finding in findings}


def test_that_a_healthy_machine_is_told_with_weights_and_store(tmp_path: Path):
    done = heartline("doctor", home=tmp_path)
    assert (done.code, done.err) == (0, "")
    assert "broken" not in done.out
    flat = " ".join(done.out.split())
    manifest = json.loads((SHIPPED / "manifest.json").read_text(encoding="utf-8"))
    assert f"ok weights {manifest['id']}, top-1 " in flat
    assert "ok store sqlite, 0 conversations in" in flat
    assert "note llm none: the offline responder answers." in flat
    assert "ok plugins affect, cause, emotion, exemplars, expression, felt, risk, strategy, undertone" in flat
    assert all(len(line) <= 80 for line in done.out.splitlines())


def test_that_json_holds_the_same_findings(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    settings = load_settings(store_path=tmp_path / "talks.db")
    assert report(settings, as_json=True) == 0
    printed = json.loads(capsys.readouterr().out)
    assert [finding["about"] for finding in printed] == [finding.about for finding in examine(settings)]
    assert {finding["status"] for finding in printed} <= {"ok", "note"}


def test_that_an_llm_that_is_not_there_is_broken_and_its_password_stays_unsaid(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    with socket.create_server(("127.0.0.1", 0)) as free:
        host = f"127.0.0.1:{free.getsockname()[1]}"
    settings = load_settings(store="memory", llm_url=f"http://me:hush@{host}/v1")
    assert report(settings) == 1
    printed = " ".join(capsys.readouterr().out.split())
    assert f"broken llm The LLM server at http://{host}/v1 cannot be reached" in printed
    assert "hush" not in printed


def test_that_an_llm_that_answers_is_told_with_its_models(tmp_path: Path):
    with FakeLLMServer(*looked_at()) as server:
        finding = found("llm", tmp_path, llm_url=server.url)
    assert finding.status == "ok"
    assert finding.text.startswith(f"{server.url} answered in ")
    assert "serves tiny, big" in finding.text


def test_that_each_feature_of_an_llm_is_told_with_yes_and_its_context_with_a_number(tmp_path: Path):
    with FakeLLMServer(*looked_at("structured_outputs", "json_schema", "json_object", "logprobs")) as server:
        findings = told(server, tmp_path)
    assert findings["llm model"] == ("ok", "tiny")
    assert findings["llm software"] == ("ok", "vllm 0.32.0")
    assert findings["llm context"] == ("ok", "1024 tokens")
    for name in ("structured outputs", "json schema", "json mode", "logprobs", "tokenize", "late system"):
        assert findings[f"llm {name}"] == ("ok", "yes")
    assert findings["llm embeddings"][0] == "note"


def test_that_what_a_feature_that_is_not_there_costs_is_said(tmp_path: Path):
    with FakeLLMServer(*looked_at("json_schema")) as server:
        findings = told(server, tmp_path)
    status, words = findings["llm structured outputs"]
    assert status == "note"
    assert words == "no: short answers are bound by a JSON schema instead"
    assert findings["llm logprobs"][1].startswith("no: ")


def test_that_what_could_not_be_found_out_is_unknown_and_not_no(tmp_path: Path):
    steps = looked_at()[:-5] + [fails(503)] * 5
    with FakeLLMServer(*steps) as server:
        findings = told(server, tmp_path)
    assert findings["llm structured outputs"][1].startswith("unknown: ")
    assert findings["llm late system"] == ("note", "unknown: leave `notes_place` at `first-system`")


def test_that_a_context_set_higher_than_the_servers_is_broken(tmp_path: Path):
    with FakeLLMServer(*looked_at()) as server:
        status, words = told(server, tmp_path, llm_context=4096)["llm context"]
    assert status == "broken"
    assert "`llm_context` is 4096, but the server holds 1024 tokens" in words


def test_that_a_context_set_lower_is_what_counts(tmp_path: Path):
    with FakeLLMServer(*looked_at()) as server:
        assert told(server, tmp_path, llm_context=512)["llm context"] == ("ok", "512 tokens (`llm_context`)")


def test_that_a_preset_of_another_server_is_noted(tmp_path: Path):
    with FakeLLMServer(*looked_at()) as server:
        status, words = told(server, tmp_path, llm_preset="ollama")["llm software"]
    assert status == "note"
    assert words == "`llm_preset` is 'ollama', but the server seems to be 'vllm'"


def test_that_a_preset_without_an_address_says_where_such_a_server_listens(tmp_path: Path):
    assert "usually http://127.0.0.1:11434/v1" in found("llm", tmp_path, llm_preset="ollama").text


def test_that_features_are_in_the_json_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    with FakeLLMServer(*looked_at("json_schema")) as server:
        assert report(load_settings(store_path=tmp_path / "talks.db", llm_url=server.url), as_json=True) == 0
    printed = {finding["about"]: finding for finding in json.loads(capsys.readouterr().out)}
    assert printed["llm json schema"] == {"about": "llm json schema", "status": "ok", "text": "yes"}


def test_that_a_model_name_cannot_steer_the_terminal(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    with FakeLLMServer(*looked_at(listed=lists("big\x1b[31m[/bold]", owner="vllm"))) as server:
        report(load_settings(store="memory", llm_url=server.url))
    printed = capsys.readouterr().out
    assert "big[31m[/bold]" in printed
    assert "\x1b" not in printed


@pytest.mark.parametrize(
    ("step", "model", "reason"),
    [
        (fails(401, path="/models"), None, "Check `llm_api_key`"),
        (answers("<html>", kind="text/html", path="/models"), None, "OpenAI-compatible"),
        (lists(), None, "serves no model"),
        (lists("tiny"), "huge", "does not list `llm_model` 'huge'. It has: tiny."),
    ],
    ids=["no key", "no JSON", "no model", "another model"],
)
def test_that_an_llm_that_will_not_do_is_broken(tmp_path: Path, step: Any, model: str | None, reason: str):
    with FakeLLMServer(step) as server:
        finding = found("llm", tmp_path, llm_url=server.url, llm_model=model, llm_retries=0)
    assert finding.status == "broken"
    assert reason in finding.text


def test_that_an_address_that_is_none_does_not_hide_the_other_findings(tmp_path: Path):
    finding = found("llm", tmp_path, llm_url="http://127.0.0.1:99999/v1")
    assert finding.status == "broken"
    assert "HEARTLINE_LLM_URL" in finding.text


@pytest.mark.parametrize("damage", ["missing", "altered", "no manifest"])
def test_that_damaged_weights_are_broken_and_the_cure_is_said(tmp_path: Path, damage: str):
    folder = tmp_path / "weights"
    folder.mkdir()
    if damage != "no manifest":
        for name in ("manifest.json", "tokenizer.json"):
            shutil.copy(SHIPPED / name, folder)
    if damage == "altered":
        (folder / json.loads((folder / "manifest.json").read_text(encoding="utf-8"))["model"]).write_bytes(b"?")
    finding = found("weights", tmp_path, weights=folder)
    assert finding.status == "broken"
    assert str(folder) in finding.text
    assert "Reinstall `heartline`, or train the weights again" in finding.text


def test_that_damaged_weights_end_it_with_one_and_leave_the_rest_to_be_read(tmp_path: Path):
    done = heartline("doctor", "--json", home=tmp_path, HEARTLINE_WEIGHTS=str(tmp_path / "none"))
    assert (done.code, done.err) == (1, "")
    status = {finding["about"]: finding["status"] for finding in json.loads(done.out)}
    assert [about for about in status if status[about] == "broken"] == ["weights"]
    assert status["store"] == "ok"


def test_that_a_store_that_cannot_be_opened_is_broken(tmp_path: Path):
    (tmp_path / "talks.db").write_bytes(b"This is no database. " * 400)
    finding = found("store", tmp_path)
    assert finding.status == "broken"
    assert str(tmp_path / "talks.db") in finding.text


@pytest.mark.parametrize(
    ("setting", "about"),
    [({"plugins": ("emotion", "telepathy")}, "plugins"), ({"planner": "telepathy"}, "planners")],
)
def test_that_a_part_that_is_not_registered_is_broken(tmp_path: Path, setting: dict[str, Any], about: str):
    finding = found(about, tmp_path, **setting)
    assert finding.status == "broken"
    assert finding.text.startswith("not registered: 'telepathy'. There are: ")


def test_that_one_conversation_is_counted_as_one(tmp_path: Path):
    from agent.memory_sqlite import SQLiteStore
    from agent.testing import a_turn

    store = SQLiteStore(tmp_path / "talks.db")
    store.append(a_turn())
    store.close()
    assert found("store", tmp_path).text == f"sqlite, 1 conversation in {tmp_path / 'talks.db'}"


@pytest.mark.parametrize(
    ("country", "state", "told"),
    [
        ("GB", "ok", "United Kingdom"),
        (None, "note", "HEARTLINE_COUNTRY"),
        ("XX", "broken", "none are known for 'XX'"),
    ],
)
def test_that_whose_help_lines_are_named_is_told(tmp_path: Path, country: str | None, state: str, told: str):
    lines = found("help lines", tmp_path, country=country)
    assert lines.status == state
    assert told in lines.text


def test_that_help_lines_checked_too_long_ago_are_noted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    class Later(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> Self:
            return cls(2031, 1, 1, tzinfo=tz)

    monkeypatch.setattr("ui.doctor.datetime", Later)
    lines = found("help lines", tmp_path, country="GB")
    assert lines.status == "note"
    assert "not checked" in lines.text
