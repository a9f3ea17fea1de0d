"""What docs/vllm.md says is so: the flags exist, and the doctor finds what it shows."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest

from agent.features import find_features
from agent.probe import LLMServer
from tests.servers.serving import Served
from tests.ui.faces import heartline

pytestmark = pytest.mark.vllm

PAGE = (Path(__file__).parents[2] / "docs/vllm.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)


def test_that_vllm_knows_every_flag_of_the_page(vllm_python: Path):
    told = subprocess.run(
        [vllm_python, "-m", "vllm.entrypoints.openai.api_server", "--help=all"],
        capture_output=True,
        text=True,
        check=True,
        timeout=300,
    ).stdout
    known = set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", told))
    commands = [block for block in BLOCKS if "vllm serve" in block or "api_server" in block]
    table = re.findall(r"^\| `(--[a-z-]+)`", PAGE, re.MULTILINE)
    named = {flag for block in commands for flag in re.findall(r"(?<![\w-])--[a-z][a-z-]+", block)} | set(table)
    assert len(named) > 20
    assert not named - known


def test_that_the_doctor_says_what_the_page_shows(vllm: Served, tmp_path: Path):
    done = heartline("doctor", "--llm", vllm.url, "--json", home=tmp_path)
    said = {finding["about"]: finding for finding in json.loads(done.out) if finding["about"].startswith("llm")}
    (shown,) = (block for block in BLOCKS if "llm software" in block)
    for status, about, text in re.findall(r"^(ok|note) +(llm(?: \w+)*?)  +(.*)$", shown, re.MULTILINE):
        assert said[about]["status"] == status, about
        if about == "llm":
            assert said[about]["text"].endswith(text.partition("; ")[2])
        else:
            assert said[about]["text"] == text


async def test_that_less_is_found_of_a_server_that_can_do_less(transformers_serve: Served):
    found = await find_features(LLMServer(transformers_serve.url), str(transformers_serve.model))
    assert found.structured_outputs is False
    assert not any((found.json_schema, found.json_mode, found.logprobs, found.embeddings, found.tokenize))
    assert not found.late_system
    assert not found.prefix_cache
