"""What an LLM server can do, found out by asking it, cheap things first."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from agent.probe import LLMServer
from agent.served import Heard, Kind, ask, look_at

if TYPE_CHECKING:
    import httpx2

__all__ = ["ServerFeatures", "find_features"]


@dataclass(frozen=True, slots=True)
class ServerFeatures:
    """What is known of a server and one of its models. None means: not known.

    Attributes:
        kind: Which software it is.
        version: As it says.
        model: The model that was looked at.
        context_tokens: Tokens of prompt and reply together.
        structured_outputs: vLLM's field that binds an answer to choices or a schema.
        json_schema: `response_format` with a JSON schema.
        json_mode: `response_format` with any JSON object.
        logprobs: Log-probabilities with alternatives.
        embeddings: This model answers `/embeddings`.
        tokenize: It counts tokens at `/tokenize`.
        late_system: The chat template takes a system message before the last user message, and shows it.
        prefix_cache: `/metrics` counts hits of the prefix cache.
    """

    kind: Kind | None = None
    version: str | None = None
    model: str | None = None
    context_tokens: int | None = None
    structured_outputs: bool | None = None
    json_schema: bool | None = None
    json_mode: bool | None = None
    logprobs: bool | None = None
    embeddings: bool | None = None
    tokenize: bool | None = None
    late_system: bool | None = None
    prefix_cache: bool | None = None


async def find_features(server: LLMServer, model: str | None = None) -> ServerFeatures:
    """Ask a server what it can do: what is listed and counted first, then generations of a few tokens.

    Costs about a dozen short requests. Nothing that the server does is raised: what cannot be found out
    stays None, and once the server is silent for its `timeout` nothing more is asked.

    Args:
        server: Where it is.
        model: Which model to look at; None takes its first.
    """
    features = ServerFeatures(model=model)
    async with server.connect() as http:
        for look in _LOOKS:
            try:
                features = replace(features, **await look(_Asked(server, http, features)))
            except TimeoutError:
                break
            except Exception:  # noqa: BLE001, S112 - whatever a lying server breaks, the rest can be asked
                continue
            if features.model is None:
                break
    return features


@dataclass(frozen=True, slots=True)
class _Asked:
    """A server, and what is known of it so far."""

    server: LLMServer
    http: httpx2.AsyncClient
    known: ServerFeatures

    async def beside(self, path: str, body: object = None) -> Heard:
        return await ask(self.server, self.http, path, body, beside=True)

    async def generate(self, tokens: int, *before: Mapping[str, str], **fields: Any) -> Heard:
        """A generation of at most so many tokens; `before` stands before the question."""
        body: dict[str, Any] = {
            "model": self.known.model,
            "messages": [*before, {"role": "user", "content": "Say hello (not in JSON)."}],
            "temperature": 0,
            self.server.limit_name: tokens,
        }
        if self.known.kind in {"vllm", "llama.cpp"}:  # else one that thinks first says nothing in so few
            body["chat_template_kwargs"] = {"enable_thinking": False}
        return await ask(self.server, self.http, "/chat/completions", body | fields)


async def _identity(asked: _Asked) -> dict[str, Any]:
    served = await look_at(asked.server, asked.http, asked.known.model)
    return {"model": served.model, "kind": served.kind, "context_tokens": served.context_tokens}


async def _version(asked: _Asked) -> dict[str, Any]:
    path, key = {
        "vllm": ("/version", "version"),
        "ollama": ("/api/version", "version"),
        "llama.cpp": ("/props", "build_info"),
    }.get(asked.known.kind or "", ("", ""))
    if not path:
        return {}
    version = (await asked.beside(path)).table.get(key)
    return {"version": version[:40] if isinstance(version, str) and version else None}


async def _tokenize(asked: _Asked) -> dict[str, Any]:
    # vLLM reads `prompt`, llama.cpp `content`.
    heard = await asked.beside("/tokenize", {"model": asked.known.model, "prompt": "hello", "content": "hello"})
    return {"tokenize": _whether(heard, isinstance(heard.table.get("tokens"), list))}


async def _metrics(asked: _Asked) -> dict[str, Any]:
    heard = await asked.beside("/metrics")
    return {"prefix_cache": _whether(heard, "prefix_cache_hits" in str(heard.body))}


async def _embeddings(asked: _Asked) -> dict[str, Any]:
    body = {"model": asked.known.model, "input": "hello"}
    heard = await ask(asked.server, asked.http, "/embeddings", body)
    return {"embeddings": _whether(heard, isinstance(heard.table.get("data"), list))}


async def _structured_outputs(asked: _Asked) -> dict[str, Any]:
    heard = await asked.generate(16, structured_outputs={"choice": [_WORD]})
    said = _said(heard).strip()
    return {"structured_outputs": _whether(heard, _so_far(said, _WORD))}


async def _json_schema(asked: _Asked) -> dict[str, Any]:
    schema = {
        "type": "object",
        "properties": {"answer": {"type": "string", "enum": [_WORD]}},
        "required": ["answer"],
        "additionalProperties": False,
    }
    named = {"name": "answer", "schema": schema, "strict": True}
    heard = await asked.generate(40, response_format={"type": "json_schema", "json_schema": named})
    said = "".join(_said(heard).split())
    return {"json_schema": _whether(heard, _so_far(said, f'{{"answer":"{_WORD}"}}'))}


async def _json_mode(asked: _Asked) -> dict[str, Any]:
    heard = await asked.generate(24, response_format={"type": "json_object"})
    said = _said(heard).lstrip()
    return {"json_mode": _whether(heard, said.startswith("{") if said else None)}


async def _logprobs(asked: _Asked) -> dict[str, Any]:
    heard = await asked.generate(1, logprobs=True, top_logprobs=2)
    try:
        first = heard.table["choices"][0]["logprobs"]["content"][0]
        given = bool(first["top_logprobs"])
    except (KeyError, IndexError, TypeError):
        given = False
    return {"logprobs": _whether(heard, given)}


async def _late_system(asked: _Asked) -> dict[str, Any]:
    # A template that drops the message would pass unseen, so it is long enough to be counted.
    late = (
        {"role": "system", "content": "You support."},
        {"role": "user", "content": "Hello."},
        {"role": "assistant", "content": "Hello!"},
        {"role": "system", "content": "Be kind. " * _TIMES},
    )
    heard = await asked.generate(1, *late)
    counts = heard.table.get("usage")
    counted = counts.get("prompt_tokens") if isinstance(counts, dict) else None
    shown = counted >= _TIMES if isinstance(counted, int) else None
    if heard.status == 500 and re.search("template|jinja|system", str(heard.body), re.IGNORECASE):  # noqa: PLR2004
        return {"late_system": False}  # llama.cpp's answer to a template that raises
    return {"late_system": _whether(heard, shown)}


_WORD = "zq7"  # nobody says this unless bound to
_TIMES = 100
_REFUSED = frozenset({400, 404, 405, 422, 501})

_LOOKS: tuple[Callable[[_Asked], Awaitable[dict[str, Any]]], ...] = (
    _identity,
    _version,
    _tokenize,
    _metrics,
    _embeddings,
    _structured_outputs,
    _json_schema,
    _json_mode,
    _logprobs,
    _late_system,
)
"""In this order: a server that fails late has told the most by then."""


def _whether(heard: Heard, found: object) -> bool | None:
    """Whether a server can do something, from what it answered, and what was found in an answer of 200."""
    if heard.status == 200:  # noqa: PLR2004
        return None if found is None else bool(found)
    return False if heard.status in _REFUSED else None


def _said(heard: Heard) -> str:
    try:
        content = heard.table["choices"][0]["message"]["content"]
    except (KeyError, IndexError, TypeError):
        return ""
    return content if isinstance(content, str) else ""


def _so_far(said: str, due: str) -> bool | None:
    """Whether this is what was due; None where it was cut off before one can tell."""
    return None if said != due and due.startswith(said) else said == due
