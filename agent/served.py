"""What an LLM server serves: its model, which software it is, and how many tokens the model can hold."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlsplit

if TYPE_CHECKING:
    import httpx2

    from agent.probe import LLMServer

__all__ = ["Heard", "Kind", "Served", "ask", "look_at"]

Kind = Literal["vllm", "llama.cpp", "ollama", "openai"]

_OWNERS: Mapping[object, Kind] = {"vllm": "vllm", "llamacpp": "llama.cpp", "library": "ollama"}
"""By what `/models` says of who owns a model. OpenAI goes by its address: others call themselves so, too."""

_SANE = range(64, 100_000_001)


@dataclass(frozen=True, slots=True)
class Heard:
    """An answer: HTTP status, and the body as JSON, or as text where it is none."""

    status: int
    body: Any

    @property
    def table(self) -> Mapping[str, Any]:
        """The body of an answer with status 200 where it is a JSON object; else empty."""
        return self.body if self.status == 200 and isinstance(self.body, dict) else {}  # noqa: PLR2004


@dataclass(frozen=True, slots=True)
class Served:
    """What a server says of a model; None where it does not say."""

    model: str | None = None
    kind: Kind | None = None
    context_tokens: int | None = None


async def ask(
    server: LLMServer, http: httpx2.AsyncClient, path: str, body: object = None, *, beside: bool = False
) -> Heard:
    """One request, without a retry.

    Args:
        server: To be asked.
        http: From its `connect`.
        path: Below its base URL, e.g. `"/models"`.
        body: To be posted as JSON; None gets.
        beside: The path is beside `/v1`, where servers keep what is not OpenAI's.

    Raises:
        TimeoutError: It took longer than the server's `timeout`.
        httpx2.HTTPError: No connection, or it broke.
    """
    base = server.base.removesuffix("/v1") if beside else server.base
    async with asyncio.timeout(server.timeout):
        response = await http.request(
            "GET" if body is None else "POST", base + path, params=server.query, json=body, timeout=None
        )
    try:
        return Heard(response.status_code, response.json())
    except (ValueError, RecursionError):
        return Heard(response.status_code, response.text)


async def look_at(server: LLMServer, http: httpx2.AsyncClient, model: str | None) -> Served:
    """The model, and its context: by `/models` on vLLM, by their own ways on llama.cpp and Ollama.

    Args:
        server: To be asked, at most three times.
        http: From its `connect`.
        model: None takes the server's first.

    Raises:
        TimeoutError, httpx2.HTTPError: As `ask`.
    """
    listed = (await ask(server, http, "/models")).table.get("data")
    entries = [each for each in listed if isinstance(each, dict)] if isinstance(listed, list) else []
    ours = [each for each in entries if model is None or each.get("id") in {model, f"{model}:latest"}]
    entry = (ours or entries or [{}])[0]
    named = entry.get("id")
    model = model or (named if isinstance(named, str) and named else None)
    kind = _kind(server, entry)
    context = None
    if ours:
        meta = entry.get("meta")
        context = _tokens(entry.get("max_model_len")) or _tokens(
            meta.get("n_ctx") if isinstance(meta, dict) else 0
        )
    if context is None and kind == "llama.cpp":
        props = (await ask(server, http, "/props", beside=True)).table
        context = _tokens(_within(props, "default_generation_settings", "n_ctx"))
    if context is None and kind == "ollama" and model is not None:
        context = await _of_ollama(server, http, model)
    return Served(model, kind, context)


def _kind(server: LLMServer, entry: Mapping[str, Any]) -> Kind | None:
    if (urlsplit(server.base).hostname or "").endswith("openai.com"):
        return "openai"
    owner = entry.get("owned_by")
    return _OWNERS.get(owner) if isinstance(owner, str) else None


async def _of_ollama(server: LLMServer, http: httpx2.AsyncClient, model: str) -> int | None:
    """The context that a loaded model has, or that its Modelfile sets.

    What the model was trained on (`model_info`) is no answer: Ollama cuts prompts at a context of its own.
    """
    loaded = (await ask(server, http, "/api/ps", beside=True)).table.get("models")
    for each in loaded if isinstance(loaded, list) else ():
        if isinstance(each, dict) and each.get("name") in {model, f"{model}:latest"}:
            return _tokens(each.get("context_length"))
    shown = (await ask(server, http, "/api/show", {"model": model}, beside=True)).table.get("parameters")
    found = re.search(r"^num_ctx\s{1,40}(\d{1,9})\s*$", str(shown), re.MULTILINE)
    return _tokens(int(found[1])) if found else None


def _within(table: Mapping[str, Any], name: str, key: str) -> object:
    inner = table.get(name)
    return inner.get(key) if isinstance(inner, dict) else None


def _tokens(number: object) -> int | None:
    return number if isinstance(number, int) and not isinstance(number, bool) and number in _SANE else None
