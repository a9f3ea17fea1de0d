"""What `heartline` offers of LangChain is there, and costs nothing until it is used."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]


def _imported_after(code: str) -> set[str]:
    program = f"{code}\nimport sys; print('\\n'.join(sys.modules))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=ROOT)
    return set(done.stdout.split("\n"))


@pytest.mark.parametrize("name", ["ChatHeartline", "EmpathyMiddleware", "agent_runnable"])
def test_that_the_front_door_offers_it(name: str):
    import heartline

    assert getattr(heartline, name).__module__.startswith("agent.langchain.")
    assert name in heartline.__all__


@pytest.mark.parametrize("module", ["heartline", "agent.langchain", "agent.loop", "agent.build"])
def test_that_nothing_else_imports_langchain(module: str):
    assert not _imported_after(f"import {module}") & {"langchain", "langchain_core", "langgraph", "langsmith"}


@pytest.mark.parametrize("module", ["chat_model", "middleware", "runnable"])
def test_that_no_module_needs_an_extra_or_the_shipped_models_to_be_imported(module: str):
    imported = _imported_after(f"import agent.langchain.{module}")
    assert not imported & {"torch", "transformers", "onnxruntime", "fastapi", "gradio"}
