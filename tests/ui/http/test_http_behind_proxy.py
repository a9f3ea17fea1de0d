"""Behind the reverse proxies that docs/deploy.md shows: streams come piece by piece, errors and ids as they are."""

from __future__ import annotations

import re
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest
from fake_llm_server import WAIT, FakeLLMServer, says
from http_serving import Serving, events_in, serving, wait_until
from loop_parts import PlainComposer, an_agent, offline

from agent.generator import create

PROXY = Path(__file__).parents[3] / "ui" / "deploy" / "proxy"
NAME = "talks.example.org"


def _replaced(text: str, *pairs: tuple[str, str]) -> str:
    for old, new in pairs:
        assert old in text, old
        text = text.replace(old, new)
    return text


def _nginx(folder: Path, port: int, upstream: int) -> list[str]:
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", f"/CN={NAME}", "-days", "1",
         "-keyout", folder / "privkey.pem", "-out", folder / "fullchain.pem"],
        check=True, capture_output=True,
    )  # fmt: skip
    site = _replaced(
        (PROXY / "nginx.conf").read_text(),
        ("127.0.0.1:8000", f"127.0.0.1:{upstream}"),
        ("listen 443 ssl", f"listen 127.0.0.1:{port} ssl"),
        ("/etc/ssl/heartline", str(folder)),
    )
    temporary = " ".join(
        f"{kind}_temp_path {folder}/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    main = f"daemon off; pid {folder}/pid; error_log {folder}/error.log; events {{}} http {{ {temporary} {site} }}"
    (folder / "nginx.conf").write_text(main)
    return ["nginx", "-p", str(folder), "-e", str(folder / "error.log"), "-c", str(folder / "nginx.conf")]


def _caddy(folder: Path, port: int, upstream: int) -> list[str]:
    site = _replaced(
        (PROXY / "Caddyfile").read_text(),
        ("127.0.0.1:8000", f"127.0.0.1:{upstream}"),
        (f"{NAME} {{", f"https://{NAME}:{port} {{\n\tbind 127.0.0.1\n\ttls internal"),
    )
    options = "{\n\tadmin off\n\tskip_install_trust\n\tauto_https disable_redirects\n}\n"
    (folder / "Caddyfile").write_text(options + site)
    return ["caddy", "run", "--adapter", "caddyfile", "--config", str(folder / "Caddyfile")]


@contextmanager
def _before(kind: str, server: Serving, folder: Path) -> Iterator[httpx2.Client]:
    if shutil.which(kind) is None:
        pytest.skip(f"{kind} is not installed")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    command = {"nginx": _nginx, "caddy": _caddy}[kind](folder, port, server.port)
    process = subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    client = httpx2.Client(
        base_url=f"https://127.0.0.1:{port}", verify=False, trust_env=False, timeout=20,
        headers={"Host": NAME},
    )  # fmt: skip
    sni = {"sni_hostname": NAME}

    def post(path: str, body: Any) -> httpx2.Request:
        return client.build_request("POST", path, json=body, extensions=sni)

    client.heartline_post = post  # type: ignore[attr-defined]
    try:
        wait_until(lambda: process.poll() is None and _answers(client, sni))
        yield client
    finally:
        client.close()
        process.terminate()
        process.wait(20)


def _answers(client: httpx2.Client, sni: dict[str, str]) -> bool:
    try:
        return client.request("GET", "/healthz", extensions=sni).status_code == 200
    except httpx2.TransportError:
        return False


@pytest.mark.parametrize("kind", ["nginx", "caddy"])
def test_that_a_stream_comes_piece_by_piece_through_the_proxy(kind: str, tmp_path: Path):
    with FakeLLMServer(says("I hear you. ", WAIT, "Go on.")) as llm:
        agent = an_agent(create(llm.settings()), fallback=offline("Take care."), composer=PlainComposer())
        given = {"llm_url": llm.url, "llm_model": "tiny", "llm_retries": 0, "llm_context": 8192}
        with serving(agent, **given) as server, _before(kind, server, tmp_path) as client:
            body = {"stream": True, "messages": [{"role": "user", "content": "Hello there."}]}
            request = client.heartline_post("/v1/chat/completions", body)  # type: ignore[attr-defined]
            response = client.send(request, stream=True)
            said = ""
            for piece in response.iter_text():
                said += piece
                if "I hear you." in said:  # the LLM waits, so nothing behind it can have pushed it out
                    llm.go_on()
            response.close()
            told = events_in(said)
            assert told[-1] == (None, "[DONE]")
            words = [each["choices"][0]["delta"].get("content", "") for _, each in told[:-1] if each["choices"]]
            assert "".join(words).endswith("I hear you. Go on.")
            assert response.headers["x-request-id"]
            long = client.heartline_post("/v1/heartline/analyze", {"input": "x" * 2_500_000})  # type: ignore[attr-defined]
            assert client.send(long).status_code == 413
            sni = {"sni_hostname": NAME}
            ready = client.request("GET", "/readyz", extensions=sni).status_code
            assert ready == (200 if kind == "nginx" else 404)  # nginx: for this machine, which we are


def test_that_the_proxies_wait_longer_than_the_llm_is_given():
    from agent.settings import load_settings

    for name in ("nginx.conf", "Caddyfile"):
        waits = [
            int(each) for each in re.findall(r"(?:read_timeout|header_timeout) (\d+)s", (PROXY / name).read_text())
        ]
        assert waits
        assert all(each > load_settings().llm_deadline for each in waits)
