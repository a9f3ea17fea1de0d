"""`heartline doctor --server URL`: whether a server can be reached and does what it should, as its clients see it.

Findings are those of `ui.doctor`: `ok`, `note` (it works, but could be better) and `broken`, with the next
step.
"""

from __future__ import annotations

import ipaddress
import json
import statistics
import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from agent.addresses import web_parts
from agent.errors import InputError
from ui.doctor import Finding

if TYPE_CHECKING:
    import httpx2

__all__ = ["examine_server"]

_SECONDS = 10.0  # of silence; a turn may be silent for longer, see below
_TURN_SECONDS = 60.0
_ASKS = 5
_SLOW = 0.25  # seconds for an answer that takes a server a millisecond
_SKEW = 5.0  # seconds; the header is cut to whole ones
_SAID = "Hello. This is a check of whether the server answers."
_VERSION = 1
"""Of the field `heartline`."""


def examine_server(url: str, key: str | None = None) -> list[Finding]:
    """Look at a server from outside. One turn is asked for; it is stateless, and nothing of it is kept.

    Args:
        url: Where it is, with or without `/v1`.
        key: Of a client; None sends none.

    Raises:
        InputError: `url` is no web address. It is not in the message: it may hold a password.
    """
    import httpx2

    base = _base(url)
    with httpx2.Client(base_url=base, timeout=_SECONDS, trust_env=False, follow_redirects=False) as http:
        try:
            health = http.get("/healthz")
        except httpx2.HTTPError as error:
            return [Finding("server", "broken", _unreached(base, error))]
        findings = [_is_ours(base, health)]
        if findings[0].status == "broken":
            return findings
        headers = {} if key is None else {"authorization": f"Bearer {key}"}
        looks = (_ready(http), _clock(health), _latency(http), *_inside(http, base, headers))
        return [*findings, *(finding for finding in looks if finding is not None)]


def _base(url: str) -> str:
    parts = web_parts(url)
    if parts is None or "@" in parts.netloc:
        raise InputError(
            "`--server` is not a usable web address. Write it like `http://127.0.0.1:8000`; a key goes into "
            "`--key` or HEARTLINE_KEY."
        )
    return f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/').removesuffix('/v1')}"


def _unreached(base: str, error: Exception) -> str:
    said = f" ({error})" if str(error) else f" ({type(error).__name__})"
    return (
        f"{base} cannot be reached{said}. Is `heartline serve` running there, and does a firewall let it through?"
    )


def _is_ours(base: str, health: httpx2.Response) -> Finding:
    if health.status_code == 421:  # noqa: PLR2004 - misdirected request
        words = f"{base} is not called by this name. Start it with `--allow-host`, or make a key"
        return Finding("server", "broken", words)
    if health.is_redirect:
        return Finding(
            "server", "broken", f"{base} redirects (HTTP {health.status_code}). Name where it really is"
        )
    if health.status_code != 200 or _object(health).get("status") != "ok":  # noqa: PLR2004
        words = (
            f"{base} answers with HTTP {health.status_code}, and not as Heartline does. Check address and proxy"
        )
        return Finding("server", "broken", words)
    if "x-request-id" not in health.headers:
        return Finding(
            "server", "note", f"{base} is alive, but a proxy drops X-Request-Id: errors are hard to find"
        )
    return Finding("server", "ok", f"{base} is alive")


def _ready(http: httpx2.Client) -> Finding:
    answer = _get(http, "/readyz")
    if answer is not None and answer.status_code == 200:  # noqa: PLR2004
        return Finding("ready", "ok", "yes")
    steps = {
        "store": "its store does not answer: see its log, and `heartline doctor` on its machine",
        "stopping": "it is stopping: ask again once it has started",
    }
    problem = "" if answer is None else str(_object(answer).get("problem"))
    return Finding("ready", "broken", steps.get(problem, "/readyz does not answer as it should: see its log"))


def _clock(health: httpx2.Response) -> Finding | None:
    try:
        theirs = parsedate_to_datetime(health.headers["date"])
    except (KeyError, ValueError):
        return None
    skew = (theirs - datetime.now(UTC)).total_seconds()
    if abs(skew) <= _SKEW:
        return Finding("clock", "ok", "as here, to a few seconds")
    side = "ahead of" if skew > 0 else "behind"
    words = f"{abs(skew):.0f} s {side} this machine's: set both by NTP, or times in logs and reports will not fit"
    return Finding("clock", "note", words)


def _latency(http: httpx2.Client) -> Finding:
    took = []
    for _ in range(_ASKS):
        began = time.perf_counter()
        if _get(http, "/healthz") is None:
            return Finding(
                "latency", "broken", "it does not answer every time. Is the network or a proxy overloaded?"
            )
        took.append(time.perf_counter() - began)
    middle = statistics.median(took)
    words = f"{middle * 1000:.0f} ms for the shortest answer (median of {_ASKS})"
    if middle > _SLOW:
        return Finding("latency", "note", f"{words}: is it far away, or too busy?")
    return Finding("latency", "ok", words)


def _inside(http: httpx2.Client, base: str, headers: Mapping[str, str]) -> Iterator[Finding]:
    """What needs a key where there are keys."""
    without, answer = _get(http, "/v1/models"), _get(http, "/v1/models", headers)
    needed = without is not None and without.status_code == 401  # noqa: PLR2004
    if answer is None or answer.status_code != 200:  # noqa: PLR2004
        status = "nothing" if answer is None else f"HTTP {answer.status_code}"
        words = {
            (True, False): "a key is needed: give one with `--key` or HEARTLINE_KEY",
            (True, True): "the key opens nothing: `heartline keys list` on its machine shows those there are",
        }.get((needed, bool(headers)), f"/v1/models answers with {status}: see its log")
        yield Finding("key", "broken", words)
        return
    yield _key(base, needed=needed, given=bool(headers))
    models = [str(each.get("id")) for each in _object(answer).get("data", []) if isinstance(each, dict)]
    yield Finding("models", "ok" if models else "broken", ", ".join(models) or "none: see its log")
    yield from _turn(http, headers)
    yield _metrics(http, headers)


def _key(base: str, *, needed: bool, given: bool) -> Finding:
    if needed:
        return Finding("key", "ok", "opens it; without one it is shut")
    host = urlsplit(base).hostname or ""
    try:
        near = ipaddress.ip_address(host).is_loopback
    except ValueError:
        near = host == "localhost"
    if not near:
        return Finding("key", "broken", "nobody needs one, and it is reached from here: `heartline keys create`")
    unused = "; the one that was given is not looked at" if given else ""
    return Finding("key", "ok", f"nobody on its machine needs one{unused}")


def _turn(http: httpx2.Client, headers: Mapping[str, str]) -> Iterator[Finding]:
    """A stateless turn, streamed."""
    import httpx2

    body = {"messages": [{"role": "user", "content": _SAID}], "stream": True}
    chunks: list[Any] = []
    began, first, ended = time.perf_counter(), None, False
    try:
        with http.stream(
            "POST", "/v1/chat/completions", json=body, headers=headers, timeout=_TURN_SECONDS
        ) as answer:
            if answer.status_code != 200:  # noqa: PLR2004
                yield Finding("turn", "broken", f"HTTP {answer.status_code} for a turn: see its log")
                return
            for line in answer.iter_lines():
                if not line.startswith("data: "):
                    continue
                ended = line == "data: [DONE]"
                chunk = {} if ended else json.loads(line.removeprefix("data: "))
                chunks.append(chunk)
                if first is None and any(each["delta"].get("content") for each in chunk.get("choices", ())):
                    first = time.perf_counter() - began
    except (httpx2.HTTPError, ValueError, KeyError, TypeError) as error:
        words = f"its stream broke off or cannot be read ({type(error).__name__}): see its log, and the proxy's"
        yield Finding("turn", "broken", words)
        return
    told: dict[str, Any] = next(
        (chunk["heartline"] for chunk in reversed(chunks) if isinstance(chunk.get("heartline"), dict)), {}
    )
    if not ended or first is None:
        yield Finding(
            "turn", "broken", "the stream of a turn ended before its end: does a proxy cut long answers?"
        )
        return
    took = f"first words after {first * 1000:.0f} ms, whole after {(time.perf_counter() - began) * 1000:.0f} ms"
    yield _spoken(told, took)
    if told:
        notices = (told.get("safety") or {}).get("notices")
        yield Finding("notices", "ok", "said" if notices else "none is asked for by its policy at this point")


def _spoken(told: Mapping[str, Any], took: str) -> Finding:
    if told.get("version") != _VERSION:
        return Finding(
            "turn", "note", f"{took}; without the field `heartline` of version {_VERSION}: another release?"
        )
    reply = told.get("reply") or {}
    if reply.get("stood_in_for"):
        words = f"{took}; the LLM failed and the built-in responder stood in: `heartline doctor` on its machine"
        return Finding("turn", "note", words)
    failures = told.get("failures") or []
    if failures:
        parts = ", ".join(sorted({str(each).partition(":")[0] for each in failures}))
        return Finding("turn", "note", f"{took}; parts failed: {parts}. See `failures` in the answer, and its log")
    return Finding("turn", "ok", f"{took}; spoken by {reply.get('speaker')}")


def _metrics(http: httpx2.Client, headers: Mapping[str, str]) -> Finding:
    answer = _get(http, "/metrics", headers)
    status = None if answer is None else answer.status_code
    if answer is not None and status == 200 and "heartline_build_info" in answer.text:  # noqa: PLR2004
        return Finding("metrics", "ok", "reached at /metrics")
    if status == 403:  # noqa: PLR2004
        words = "not open to this key: `heartline keys create … --right metrics` makes one for Prometheus"
        return Finding("metrics", "note", words)
    return Finding("metrics", "note", f"/metrics answers with {status or 'nothing'}: does a proxy pass it on?")


def _get(http: httpx2.Client, path: str, headers: Mapping[str, str] | None = None) -> httpx2.Response | None:
    import httpx2

    try:
        return http.get(path, headers=headers)
    except httpx2.HTTPError:
        return None


def _object(answer: httpx2.Response) -> dict[str, Any]:
    try:
        said = answer.json()
    except ValueError:
        return {}
    return said if isinstance(said, dict) else {}
