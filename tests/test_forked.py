"""Forked processes of tests behave as started ones do."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.forked import forked

SHOWS = """
import os, sys
print(sys.argv, os.getcwd(), os.environ.get("GIVEN"), os.environ.get("HOME"), sys.stdin.read())
print("beside", file=sys.stderr)
sys.exit(7)
"""
WAITS = "import time; print('here', flush=True); time.sleep(600)"
PIPES: dict[str, Any] = {
    "stdin": subprocess.PIPE,
    "stdout": subprocess.PIPE,
    "stderr": subprocess.PIPE,
    "text": True,
}

pytestmark = pytest.mark.skipif(os.name == "nt", reason="POSIX forks")


def test_that_it_has_arguments_folder_variables_streams_and_status_of_its_own(tmp_path: Path):
    process = forked(SHOWS, "a", "b c", cwd=tmp_path, env={"GIVEN": "ä"}, **PIPES)
    assert process.pid != os.getpid()
    out, err = process.communicate("typed", timeout=60)
    assert (out, err) == (f"['-c', 'a', 'b c'] {tmp_path} ä None typed\n", "beside\n")
    assert process.poll() == process.wait() == 7


def test_that_signals_end_it_and_two_at_once_do_not_mind_each_other(tmp_path: Path):
    one, other = (forked(WAITS, cwd=tmp_path, env=dict(os.environ), **PIPES) for _ in range(2))
    assert [each.stdout.readline() for each in (one, other)] == ["here\n"] * 2  # type: ignore[union-attr]
    one.send_signal(signal.SIGTERM)
    assert one.wait(60) == -signal.SIGTERM
    assert other.poll() is None
    with pytest.raises(subprocess.TimeoutExpired):
        other.wait(0)
    other.send_signal(signal.SIGINT)
    assert "KeyboardInterrupt" in other.communicate(timeout=60)[1]
    assert other.returncode == -signal.SIGINT
    one.communicate()


def test_that_an_error_ends_it_with_a_traceback(tmp_path: Path):
    process = forked("1 / 0", cwd=tmp_path, env=dict(os.environ), **PIPES)
    assert "ZeroDivisionError" in process.communicate(timeout=60)[1]
    assert process.returncode == 1
