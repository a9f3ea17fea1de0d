"""`heartline safety`: what an operator sees and publishes."""

from __future__ import annotations

import json
from contextlib import closing
from pathlib import Path

import pytest
from typer.testing import CliRunner

from agent.decisions import Care, Handoff
from agent.errors import SettingsError
from agent.memory_sqlite import SQLiteStore
from agent.safety.protocol_page import protocol_page
from tests.contracts.store_contract import recalled_turn, said
from tests.fake_llm_server import FakeLLMServer, answers
from ui.safety import app


@pytest.fixture
def filled(tmp_path: Path) -> Path:
    path = tmp_path / "talks.db"
    with closing(SQLiteStore(path)) as store:
        care = Care("p", ("lines",), "Call.")
        for number in range(6):
            turn = recalled_turn(
                store, f"s{number}", conversation_id=f"c{number % 2}", care=care, reply=said("Call.")
            )
            store.append(turn)
    return path


def test_that_the_report_is_printed_and_counts_what_was_erased(filled: Path):
    with closing(SQLiteStore(filled)) as store:
        (month,) = store.counts()
        store.erase("c0")
    year = month[:4]
    printed = CliRunner().invoke(app, ["report", "--year", year, "--json", "--store", str(filled)])
    told = json.loads(printed.stdout)
    assert (told["year"], told["exact"], "months" in told) == (int(year), False, False)
    assert {kind: n for kind, n in told["counts"].items() if n} == {
        "conversations": "<5",
        "turns": 6,
        "referral.lines": 6,
    }
    exact = CliRunner().invoke(app, ["report", "--year", year, "--json", "--exact", "--store", str(filled)])
    assert json.loads(exact.stdout)["months"] == {month: {"conversations": 2, "turns": 6, "referral.lines": 6}}
    plain = CliRunner().invoke(app, ["report", "--year", year, "--store", str(filled)]).stdout
    assert "      <5  conversations             Conversations that began." in plain.splitlines()
    assert month not in plain


def test_that_the_command_prints_and_writes_the_protocol(tmp_path: Path):
    assert CliRunner().invoke(app, ["protocol"]).stdout == protocol_page()
    out = tmp_path / "protocol.md"
    CliRunner().invoke(app, ["protocol", "--out", str(out)])
    assert out.read_text(encoding="utf-8") == protocol_page()


def test_that_a_conversation_is_held_and_released_and_its_packets_are_listed(filled: Path):
    with closing(SQLiteStore(filled)) as store:
        store.append(recalled_turn(store, "Zorvan.", id="t", conversation_id="c0", handoff=Handoff("plan")))
    at = ["--store", str(filled)]
    assert "c0 is held by Amy" in CliRunner().invoke(app, ["hold", "c0", "--by", "Amy", *at]).stdout
    with closing(SQLiteStore(filled)) as store:
        assert store.held_by("c0") == "Amy"
    assert CliRunner().invoke(app, ["say", "c0", "I am here.", "--by", "Amy", *at]).stdout == "Said in c0.\n"
    assert CliRunner().invoke(app, ["say", "c0", "--by", "Amy", *at], input="Tell me.\n").exit_code == 0
    with closing(SQLiteStore(filled)) as store:
        assert [done.words for done in store.human_acts("c0")] == [None, "I am here.", "Tell me."]
    assert "c0 is given back" in CliRunner().invoke(app, ["release", "c0", *at]).stdout
    (line,) = CliRunner().invoke(app, ["handoffs", *at]).stdout.splitlines()
    assert line.split()[1:] == ["queued", "plan", "c0"]
    assert "Zorvan" not in line
    with closing(SQLiteStore(filled)) as store:
        store.append(recalled_turn(store, "Again.", id="u", conversation_id="c1", handoff=Handoff("acute")))
    (newest,) = CliRunner().invoke(app, ["handoffs", "--newest", "1", *at]).stdout.splitlines()
    assert newest.split()[1:] == ["queued", "acute", "c1"]


def test_that_packets_are_sent_to_where_the_settings_say(filled: Path, monkeypatch: pytest.MonkeyPatch):
    with closing(SQLiteStore(filled)) as store:
        store.append(recalled_turn(store, "Zorvan.", id="t", conversation_id="c0", handoff=Handoff("plan")))
    unset = CliRunner().invoke(app, ["deliver", "--store", str(filled)])
    assert isinstance(unset.exception, SettingsError)
    monkeypatch.setenv("HEARTLINE_HANDOFF_SECRET", "a secret of a good length")
    with FakeLLMServer(answers("", path="/handoffs", beside=True)) as server:
        monkeypatch.setenv("HEARTLINE_HANDOFF_URL", f"http://{server.host}/handoffs")
        sent = CliRunner().invoke(app, ["deliver", "--store", str(filled)])
    assert sent.stdout == "sent 1, to be tried again 0, given up 0\n"
    assert server.requests[0].headers["idempotency-key"] == "t"


def test_that_settings_that_change_hold_from_the_next_round_on(filled: Path, monkeypatch: pytest.MonkeyPatch):
    rounds: list[str] = []

    def queue(name: str) -> None:
        with closing(SQLiteStore(filled)) as store:
            store.append(recalled_turn(store, "Zorvan.", id=name, conversation_id=name, handoff=Handoff("plan")))

    taken = answers("", path="/handoffs", beside=True)
    with FakeLLMServer(taken, taken) as first, FakeLLMServer(taken) as second:

        def rest(_: float) -> None:
            """Between two rounds somebody mistypes the address, then mends it, then ends the command."""
            address = ("no address", f"http://{second.host}/handoffs")[len(rounds) :][:1]
            if not address:
                raise KeyboardInterrupt
            rounds.append(address[0])
            monkeypatch.setenv("HEARTLINE_HANDOFF_URL", address[0])
            queue(f"t{len(rounds)}")

        monkeypatch.setattr("ui.safety.time.sleep", rest)
        monkeypatch.setenv("HEARTLINE_HANDOFF_SECRET", "a secret of a good length")
        monkeypatch.setenv("HEARTLINE_HANDOFF_URL", f"http://{first.host}/handoffs")
        queue("t0")
        ended = CliRunner().invoke(app, ["deliver", "--every", "1", "--store", str(filled)])
    assert ended.stdout == "sent 1, to be tried again 0, given up 0\n" * 3
    assert "left aside: Setting `handoff_url`" in ended.stderr
    sent = [[request.headers["idempotency-key"] for request in each.requests] for each in (first, second)]
    assert sent == [["t0", "t1"], ["t2"]]
