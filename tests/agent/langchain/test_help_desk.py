"""The example in docs/examples/help_desk.py, run for real: its tools, its readings, its safety, its command."""

from __future__ import annotations

import importlib.util
import io
import runpy
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from langchain_core.messages import ToolMessage

from tests.agent.langchain.scripted_model import ScriptedModel, calls
from tests.answering_llm import AnsweringLLM

ROOT = Path(__file__).parents[3]
FILE = ROOT / "docs/examples/help_desk.py"
THREAD: Any = {"configurable": {"thread_id": "desk"}}


@pytest.fixture(scope="module")
def example() -> ModuleType:
    spec = importlib.util.spec_from_file_location("help_desk", FILE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


QUESTIONS = {
    "refunds.md": ("when do I get my money back", "return an item", "refund has not arrived"),
    "delivery.md": (
        "how long does shipping take",
        "my package is lost",
        "tracking link",
        "the parcel has not come",
    ),
    "signing-in.md": ("forgot my password", "account locked", "someone hacked my account"),
    "cancelling.md": ("end my subscription", "pause subscription", "stop paying every month"),
    "payment-trouble.md": ("I cannot pay the invoice", "pay in parts", "I lost my job and can't pay"),
}


def test_that_the_page_is_found_as_often_as_docs_langchain_md_says(example: ModuleType):
    search = example.help_tool()
    asked = [(question, page) for page, questions in QUESTIONS.items() for question in questions]
    found = sum(f"[{page}]" in search.invoke({"question": question}) for question, page in asked)
    text = (ROOT / "docs/langchain.md").read_text(encoding="utf-8")
    assert " ".join(f"of {len(asked)} questions tried, {found} had".split()) in " ".join(text.split())


def test_that_it_looks_up_and_calls_a_person_and_tells_them_how_the_person_seems(example: ModuleType):
    model = ScriptedModel(
        script=[
            calls("search_help_centre", question="refund has not come"),
            calls("call_a_person", reason="The refund is three weeks late."),
            "It should have come within five working days, so the fault is ours. A colleague writes within the hour.",
        ]
    )
    told: list[dict[str, Any]] = []
    desk = example.help_desk(model, told.append, plugin_seconds=60)
    said = "".join(example.answers(desk, "Three weeks and still no refund, I am so angry and I need that money!"))
    assert said.endswith("A colleague writes within the hour.")
    found, called = [m for m in desk.get_state(THREAD).values["messages"] if isinstance(m, ToolMessage)]
    assert "[refunds.md]" in found.text
    assert "within the hour" in called.text
    (one,) = told
    assert one["reason"] == "The refund is three weeks late."
    assert one["valence"] < 0
    assert one["strategy"]


def test_that_somebody_in_danger_is_answered_by_the_protocol_and_not_by_the_shop(example: ModuleType):
    model = ScriptedModel(script=[])
    desk = example.help_desk(model, lambda told: None, plugin_seconds=60, country="GB")
    said = "".join(example.answers(desk, "You took my last money. I am going to kill myself tonight."))
    assert model.asked == []
    assert "999" in said or "116 123" in said


def test_that_the_command_talks_to_a_server(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HEARTLINE_PLUGIN_SECONDS", "60")
    monkeypatch.setattr("sys.stdin", io.StringIO("My parcel is lost.\n\n"))
    with AnsweringLLM(says="I am sorry. Let me see what holds.") as server:
        monkeypatch.setattr("sys.argv", [str(FILE), "--llm", server.url, "--model", "tiny"])
        runpy.run_path(str(FILE), run_name="__main__")
    assert "I am sorry. Let me see what holds." in capsys.readouterr().out
    (body,) = server.bodies
    assert {tool["function"]["name"] for tool in body["tools"]} == {"search_help_centre", "call_a_person"}
    assert "Notes for the next reply." in body["messages"][0]["content"]
