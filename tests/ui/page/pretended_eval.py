"""A stand-in for `heartline eval`, which takes exactly what the page may ask and waits, or fails, where it should.

Who answers decides how a run goes: `sem` ends, `fails`, `llm-is-away`, `breaks` and `is-killed` fail, `waits` never ends, and
neither does what it started.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import TextIO

TASKS = [
    {
        "name": "mine",
        "about": "What a test asks.",
        "parts": ["valid", "train"],
        "systems": ["sem", "waits", "fails", "breaks", "is-killed", "llm-is-away"],
    },
    {"name": "far", "data": "far_set", "systems": ["sem"], "get": "heartline data fetch far_set"},
    {"name": "asked", "parts": ["a"], "systems": ["llm"], "asking": ["llm"]},
    {"name": "bare", "parts": ["a"], "systems": ["sem"], "extra": "evals"},
    {"name": "broken", "problem": "The task 'broken' cannot be imported."},
]
CHILD = """
import fcntl, signal, sys
held = open(sys.argv[1], "w")
fcntl.flock(held, fcntl.LOCK_EX)
print("held", flush=True)
signal.pause()
"""


def say(words: str, stream: TextIO) -> None:
    stream.write(words + "\n")
    stream.flush()


def told(done: int, *, of: int = 4) -> None:
    row = {"what": "turns", "done": done, "of": of, "so_far": "", "seconds": done / 2}
    say(json.dumps(row), sys.stderr)


def result(task: str, split: str, system: str, limit: int | None) -> dict[str, object]:
    figure = {"value": 0.5, "low": 0.25, "high": 0.75, "n": 4, "unscored": 1}
    signature = {"split": split, "system": system, "n": 4, "limit": limit, "weights": "some-weights"}
    return {"task": task, "signature": signature, "metrics": {"accuracy": figure}, "notes": ["One note."]}


def run(task: str, options: dict[str, str]) -> int:
    out, system = Path(options.pop("--out")), options.pop("--system")
    split, limit = options.pop("--split"), options.pop("--limit", None)
    assert options.pop("--progress") == "json"
    assert not options, options
    told(0)
    say("Some library warns of something.", sys.stderr)
    if system == "fails":
        say('{"error": "data"}', sys.stderr)
        say("Error: The set is malformed.", sys.stderr)
        return 2
    if system == "llm-is-away":
        say('{"error": "llm"}', sys.stderr)
        say("Error: Nobody answers at 127.0.0.1:9.", sys.stderr)
        return 2
    if system == "breaks":
        raise ZeroDivisionError("division by zero")
    if system == "is-killed":
        os.kill(os.getpid(), signal.SIGKILL)
    if system == "waits":
        lock = out.with_name("child.lock")
        child = subprocess.Popen([sys.executable, "-c", CHILD, lock], stdout=subprocess.PIPE)
        assert child.stdout is not None
        child.stdout.readline()
        told(1)
        told(2)
        signal.pause()
    for done in range(1, 5):
        told(done)
    written = result(task, split, system, None if limit is None else int(limit))
    out.write_text(json.dumps(written), encoding="utf-8")
    return 0


def main(arguments: list[str]) -> int:
    match arguments:
        case ["tasks", "--json"]:
            say(json.dumps(TASKS), sys.stdout)
        case ["run", task, *options]:
            return run(task, dict(zip(options[::2], options[1::2], strict=True)))
        case ["compare", first, second, "--json"] if first != second:
            row = {"metric": "accuracy", "first": 0.5, "second": 0.75, "low": 0.1, "high": 0.4, "p": 0.01}
            say(json.dumps([row | {"difference": 0.25}]), sys.stdout)
        case ["report", *results, "--out", out]:
            names = ", ".join(Path(one).stem for one in results)
            page = f"<!doctype html><html lang=en><title>Report</title><h1>Report of {names}</h1></html>"
            Path(out).write_text(page, encoding="utf-8")
        case _:
            say(f"Error: nobody should ask for {arguments}.", sys.stderr)
            return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
