"""The shape of the house: which way imports point, and how big a room may be."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent

# Bigger than 300 lines, each with its reason.
EXCEPTIONS: dict[str, str] = {
    "agent/readings.py": "one small frozen class per reading; apart they would be harder to find",
}


def test_that_imports_point_one_way():
    # In a process of its own: it silences every logger that is there, and other tests look at the log.
    command = [Path(sys.executable).with_name("lint-imports"), "--no-cache"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_that_modules_stay_small():
    for folder in ("agent", "sem_plugins", "strategies", "prompts", "ui", "evals"):
        for path in (ROOT / folder).rglob("*.py"):
            name = path.relative_to(ROOT).as_posix()
            lines = len(path.read_text(encoding="utf-8").splitlines())
            assert lines <= 300 or name in EXCEPTIONS, f"{name} has {lines} lines"
            assert lines > 300 or name not in EXCEPTIONS, f"{name} is no exception any more"


def test_that_no_module_has_a_name_that_says_nothing():
    for folder in ("agent", "sem_plugins", "strategies", "prompts", "ui", "evals"):
        for path in (ROOT / folder).rglob("*.py"):
            assert path.stem not in {"utils", "util", "helpers", "helper", "manager", "handler", "common", "misc"}
