"""The Python in docs/langchain.md and docs/python.md runs as it stands."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from tests.agent.langchain.scripted_model import ScriptedModel

ROOT = Path(__file__).parents[3]
FENCE = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)
BLOCKS = [
    pytest.param(code, id=f"{name}-{number}")
    for name in ("langchain.md", "python.md")
    for number, code in enumerate(FENCE.findall((ROOT / "docs" / name).read_text(encoding="utf-8")))
]


@pytest.mark.parametrize("code", BLOCKS)
def test_that_every_example_runs(code: str, capsys: pytest.CaptureFixture[str]):
    names: dict[str, Any] = {"model": ScriptedModel(script=["I am sorry."]), "tools": []}
    exec(code, names)  # noqa: S102 - our own document
    assert capsys.readouterr().out.strip()


def test_that_the_example_for_python_has_ten_lines():
    (code,) = FENCE.findall((ROOT / "docs/python.md").read_text(encoding="utf-8"))
    assert len([line for line in code.splitlines() if line.strip()]) <= 10


@pytest.mark.parametrize("name", ["langchain.md", "python.md"])
def test_that_links_lead_somewhere(name: str):
    text = (ROOT / "docs" / name).read_text(encoding="utf-8")
    for target in re.findall(r"\]\((?!https?:)([^)#]+)", text):
        assert (ROOT / "docs" / target).exists(), target
