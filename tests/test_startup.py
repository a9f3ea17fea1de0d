"""What is imported when: `import heartline` and `heartline --help` must stay light."""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = (
    "torch",
    "transformers",
    "gradio",
    "fastapi",
    "langchain_core",
    "langchain",
    "openai",
    "onnxruntime",
    "ray",
)


def _imported_after(code: str) -> set[str]:
    printed = subprocess.run(
        [sys.executable, "-c", f"{code}\nimport sys; print('\\n'.join(sys.modules))"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    return set(printed.stdout.split("\n"))


def test_that_importing_the_front_door_imports_nothing_else():
    imported = _imported_after("import heartline")
    assert not imported & {*HEAVY, "numpy", "pydantic", "sqlalchemy", "tokenizers", "typer", "agent"}


def test_that_help_imports_nothing_heavy():
    code = (
        "import sys; sys.argv = ['heartline', '--help']\n"
        "from ui.cli import app\n"
        "try:\n    app()\nexcept SystemExit:\n    pass"
    )
    assert not _imported_after(code) & {*HEAVY, "numpy", "sqlalchemy", "tokenizers", "pydantic"}


def test_that_an_offline_agent_needs_no_llm_library():
    code = "import heartline; heartline.build_agent(store='memory')"
    assert not _imported_after(code) & {"torch", "transformers", "gradio", "fastapi", "langchain_core", "openai"}


@pytest.mark.parametrize("package", ["agent.build", "agent.generator", "sem_plugins.encoder", "ui.chat", "evals"])
def test_that_importing_one_part_never_needs_an_extra(package: str):
    assert not _imported_after(f"import {package}") & {"torch", "transformers", "vllm", "ray", "sklearn", "onnx"}
