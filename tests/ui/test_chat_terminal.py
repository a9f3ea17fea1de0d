"""`heartline chat` in a real terminal: line editing, history, interrupts, streams, breaks of lines."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from faces import PATIENCE, Terminal, kept
from fake_llm_server import WAIT, FakeLLMServer, drips, says, stays_silent

pytestmark = pytest.mark.skipif(os.name == "nt", reason="pseudo-terminals of POSIX")

SPOKEN = "— the offline responder"
UP = "\x1b[A"
CTRL_C = "\x03"
PROMPT = "you>"


def with_llm(server: FakeLLMServer) -> dict[str, str]:
    names = {"URL": server.url, "MODEL": "tiny", "RETRIES": "0", "TIMEOUT": "30", "CONTEXT": "8192"}
    return {f"HEARTLINE_LLM_{name}": value for name, value in names.items()} | {"HEARTLINE_TWO_STAGE": "inline"}


def test_that_lines_are_edited_recalled_and_ended_with_an_interrupt(tmp_path: Path):
    with Terminal("chat", home=tmp_path) as terminal:
        greeting = terminal.expect(PROMPT)
        assert "heartline chat --llm URL" in greeting
        terminal.type("My car brok\x7fke down twice.\r")  # \x7f takes a letter back
        terminal.expect(SPOKEN)
        terminal.expect(PROMPT)
        terminal.type("/why\r")
        terminal.expect("Strategy")
        terminal.expect(PROMPT)
        terminal.type(UP + UP + "\r")  # over `/why` to the message
        terminal.expect(SPOKEN)
        terminal.expect(PROMPT)
        terminal.type("half a li" + CTRL_C)
        terminal.expect("Kept. Go on with: heartline chat -c ")
        assert terminal.end() == 0
    (conversation,) = kept(tmp_path)
    assert [turn.text for turn in kept(tmp_path)[conversation]] == ["My car broke down twice."] * 2
    assert conversation in terminal.seen
    assert "Traceback" not in terminal.seen


def test_that_a_reply_streams_and_an_interrupt_stops_it_and_nothing_more(tmp_path: Path):
    script = (
        says("I hear ", "how tired ", WAIT, "you are."),
        drips("night"),
        stays_silent(),
        says("Here I am."),
    )
    with FakeLLMServer(*script) as server, Terminal("chat", home=tmp_path, **with_llm(server)) as terminal:
        terminal.expect(PROMPT)
        terminal.type("I worked three nights in a row.\r")
        assert "you are." not in terminal.expect("I hear how")
        server.go_on()
        terminal.expect("tired you are.")
        terminal.expect("— tiny (11 tokens in, 5 out)")
        terminal.expect(PROMPT)

        terminal.type("And tomorrow again.\r")
        terminal.expect("night 0 night 1")
        terminal.type(CTRL_C)
        terminal.expect("(stopped; what was said is kept)")
        assert server.client_left.wait(PATIENCE)
        terminal.expect(PROMPT)
        terminal.type("/why\r")
        terminal.expect("interrupted")
        terminal.expect(PROMPT)

        server.asked.clear()
        terminal.type("Are you there?\r")
        assert server.asked.wait(PATIENCE)
        terminal.type(CTRL_C)
        terminal.expect("(stopped; what was said is kept)")
        terminal.expect(PROMPT)

        terminal.type("Hello?\r")
        terminal.expect("Here I am.")
        terminal.expect(PROMPT)
        terminal.type("\x04")
        terminal.expect("Kept. Go on with:")
        assert terminal.end() == 0
    assert "Traceback" not in terminal.seen
    (turns,) = kept(tmp_path).values()
    replies = [turn.reply for turn in turns]
    assert [turn.text for turn in turns][1:] == ["And tomorrow again.", "Are you there?", "Hello?"]
    assert replies[1].finish_reason == "interrupted"
    assert replies[1].text.startswith("night 0 night 1")
    assert replies[2] is None
    assert replies[3].text == "Here I am."


def test_that_a_narrow_window_breaks_lines_at_spaces(tmp_path: Path):
    with Terminal("chat", home=tmp_path, columns=32) as terminal:
        terminal.expect(PROMPT)
        terminal.type("I worked three nights in a row and I am so tired.\r")
        terminal.expect(SPOKEN)
        terminal.expect(PROMPT)
        terminal.type("/quit\r")
        assert terminal.end() == 0
    ((turn,),) = kept(tmp_path).values()
    shown = terminal.seen.partition(SPOKEN)[0].splitlines()
    words = turn.reply.text.split()
    lines = [line.split() for line in shown if line]
    begin = next(place for place, line in enumerate(lines) if line == words[: len(line)])
    assert [word for line in lines[begin:] for word in line] == words
    assert all(len(line) <= 32 for line in shown[begin:])
