"""`heartline serve` as a process whose log can be read while it runs."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2
from http_serving import NO_TLS, PATIENCE, wait_until

from tests.forked import Forked, forked

__all__ = ["OpsProcess", "ops_process"]

ROOT = Path(__file__).parents[3]


class OpsProcess:
    """A server process."""

    def __init__(self, process: Forked, url: str, log: Path) -> None:
        self.process, self.url, self._log = process, url, log
        self.http = httpx2.Client(base_url=url, timeout=PATIENCE, trust_env=False, verify=NO_TLS)

    def ask(self, text: str, **fields: Any) -> httpx2.Response:
        """A turn."""
        headers = fields.pop("headers", {})
        body = {"messages": [{"role": "user", "content": text}], **fields}
        return self.http.post("/v1/chat/completions", json=body, headers=headers)

    @property
    def log(self) -> str:
        """What it has written to standard error."""
        return self._log.read_text()

    def logged(self, words: str) -> dict[str, Any]:
        """The newest line that holds some words, once there is one; the log must be in JSON."""
        wait_until(lambda: words in self.log)
        return json.loads([line for line in self.log.splitlines() if words in line][-1])


@contextmanager
def ops_process(folder: Path, *arguments: str, **environment: str) -> Iterator[OpsProcess]:
    """Start `heartline serve`, logging requests in JSON, and end it. Its store and its log lie in the folder."""
    settings = {"HEARTLINE_OPERATIONS": '{"log_format": "json"}', "HEARTLINE_STORE_PATH": str(folder / "c.db")}
    with (folder / "log").open("w") as log:
        process = forked(
            "from ui.http.serve import app; app()", "--port", "0", *arguments, cwd=ROOT,
            env={**os.environ, **settings, **environment}, text=True, stdout=subprocess.PIPE, stderr=log,
        )  # fmt: skip
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line.startswith("Serving at http://"), (folder / "log").read_text()
        running = OpsProcess(process, line.split()[2].removesuffix("/v1"), folder / "log")
        yield running
        running.http.close()
    finally:
        process.kill()
        process.communicate()
