"""`heartline ui` as a process, while a key is made."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import httpx2

from agent.settings import load_settings
from agent.store_url import open_store
from tests.forked import forked

ROOT = Path(__file__).parents[3]
BARE = {f"HEARTLINE_{part}": "none" for part in ("PLANNER", "TRACKER", "GUARD")} | {"HEARTLINE_PLUGINS": "[]"}
PATIENCE = 120


def _until(holds: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < end, "it never came"
        time.sleep(0.1)


def test_that_the_page_starts_anew_for_those_who_sign_in_once_there_is_a_key(tmp_path):
    path = tmp_path / "talks.db"
    process = forked(
        "from ui.page.command import app; app()", "--port", "0", cwd=ROOT,
        env={**os.environ, "HEARTLINE_STORE_PATH": str(path), **BARE},
        text=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        assert process.stdout is not None
        opened = process.stdout.readline()
        address = opened.split()[1]
        with httpx2.Client(base_url=address, timeout=PATIENCE, trust_env=False) as http:
            assert http.get("en/config").status_code == 200
            store = open_store(load_settings(store_path=path))
            secret, _ = store.api_keys.create("acme", name="page")
            store.close()
            assert http.get("en/", headers={"accept": "text/html"}).status_code == 503
            assert "sign in" in process.stdout.readline()
            assert process.stdout.readline() == opened, "it is where it was"
            _until(lambda: http.get("healthz").status_code == 200)
            assert http.get("en/config").status_code == 401
            wrong = http.post("en/login", data={"username": "acme", "password": "wrong"})
            assert wrong.status_code == 400
            assert http.post("en/login", data={"username": "acme", "password": secret}).status_code == 200
            assert http.get("en/config").status_code == 200
    finally:
        process.kill()
        process.communicate()
