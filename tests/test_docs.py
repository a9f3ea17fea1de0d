"""What the documents say can be done, and the figures they show are those that were measured."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from ui.cli import app

ROOT = Path(__file__).parent.parent
DOCUMENTS = sorted(str(path.relative_to(ROOT)) for path in (*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")))
FENCE = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)


def _blocks(document: str, language: str) -> list[str]:
    text = (ROOT / document).read_text(encoding="utf-8")
    return [code for found, code in FENCE.findall(text) if found == language]


def test_that_the_python_example_of_the_readme_runs_and_has_at_most_ten_lines():
    (code,) = _blocks("README.md", "python")
    assert len([line for line in code.splitlines() if line.strip()]) <= 10
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "offline" in done.stdout


def test_that_the_plugin_example_of_the_contributing_guide_works():
    (code,) = _blocks("CONTRIBUTING.md", "python")
    names: dict[str, object] = {}
    exec(code, names)  # noqa: S102 - our own document
    from agent.perception import Perception
    from agent.testing import a_turn

    (turn,) = Perception([names["create"](None)]).read([a_turn("WHY NOW")])
    assert turn.affect is not None
    assert turn.affect.arousal > 0


def _heading(line: str) -> str:
    """What a link to a heading is called."""
    return re.sub(r"[^\w -]", "", line.strip().lower()).replace(" ", "-")


@pytest.mark.parametrize("document", DOCUMENTS)
def test_that_links_between_documents_lead_somewhere(document: str):
    place = ROOT / document
    for target, heading in re.findall(r"\]\((?!https?:)([^)#]*)#?([^)]*)\)", place.read_text(encoding="utf-8")):
        path = place.parent / target if target else place
        assert path.exists(), f"{document} links to {target}"
        if heading:
            text = FENCE.sub("", path.read_text(encoding="utf-8"))
            headings = {_heading(line) for line in re.findall(r"^#+ (.*)$", text, re.MULTILINE)}
            assert heading in headings, f"{document} links to {target}#{heading}"


def test_that_commands_and_options_in_the_documents_exist():
    shell = re.compile(r"(?:^|`|bin/)heartline ((?:\\\n|[^`\n|;>&)#])+)", re.MULTILINE)
    whole: Any = get_command(app)
    for document in DOCUMENTS:
        for line in shell.findall((ROOT / document).read_text(encoding="utf-8")):
            command = whole
            known = {"--help"}
            for place, word in enumerate(word.strip("[]'\",:.") for word in line.split()):
                if word.startswith("--"):
                    known |= {name for each in command.params for name in each.opts}
                    assert word.partition("=")[0] in known, f"{document}: heartline {line}"
                elif word in getattr(command, "commands", {}):
                    command = command.commands[word]
                elif place == 1 and "run" in getattr(command, "commands", {}):
                    command = command.commands["run"]  # `heartline eval TASK`
                assert place or command.name == word or word.startswith("-"), f"{document}: heartline {line}"


def test_that_commands_named_in_the_readme_exist():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for command in set(
        re.findall(r"(?:^|`)make ([\w-]+)", (ROOT / "README.md").read_text(encoding="utf-8"), re.MULTILINE)
    ):
        assert re.search(rf"^{command}:", makefile, re.MULTILINE), command


def test_that_figures_in_the_readme_are_those_of_the_manifest_and_the_benchmark():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    card = json.loads((ROOT / "sem_plugins/shipped/manifest.json").read_text(encoding="utf-8"))["card"]
    scores = card["scores"]
    for task, metric in (
        ("empathetic-dialogues/situation", "accuracy"),
        ("empathetic-dialogues/situation", "top5"),
        ("empathetic-dialogues/seeker-turns", "accuracy"),
        ("goemotions", "macro_f1"),
        ("esconv/next-strategy", "macro_f1"),
        ("reccon/entailment", "positive_f1"),
        ("reccon/span", "exact_match"),
        ("risk", "explicit_recall"),
        ("risk", "veiled_recall"),
    ):
        assert f"{scores[task][metric]['value'] * 100:.1f}" in text, (task, metric)
    figures = json.loads((ROOT / "docs/benchmarks.json").read_text(encoding="utf-8"))["figures"]
    measured = {figure["name"]: figure["value"] for figure in figures}
    for name in ("perceive, one message of 64 tokens, p50", "whole turn without an LLM, SQLite, p50"):
        assert f"{measured[name]:.1f} ms" in text, name
