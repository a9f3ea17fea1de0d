"""The server holds what its OpenAPI document says, whatever is sent to it, on both stores."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import hypothesis
import pytest
import requests
import schemathesis
from http_serving import Serving, events_in, serving_all
from loop_parts import an_agent, offline
from postgres import a_cluster
from schemathesis import GenerationMode

from agent.api_keys import RIGHTS
from agent.build import build_agent
from agent.memory import InMemoryStore
from agent.settings import load_settings
from ui.http.app import make_routes
from ui.http.openapi import _ALSO, _EXAMPLES
from ui.http.profiles import DEFAULT, Profile, Service
from ui.http.schemas import ErrorAnswer
from ui.http.stream_schemas import ChatCompletionChunk

_SERVED = Profile(DEFAULT, an_agent(offline()), load_settings(store="memory"))
DOCUMENT = make_routes(Service({DEFAULT: _SERVED}, InMemoryStore())).openapi()
OPERATIONS = [
    (method.upper(), path) for path, operations in DOCUMENT["paths"].items() for method in sorted(operations)
]
HTTP = Path(__file__).parents[3] / "ui" / "http"
SECONDS = 20.0
EXAMPLES = 12  # for each operation, store and way: half a minute in all


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    """The shipped readers on a real store, with keys."""
    with ExitStack() as stack:
        if request.param == "postgresql":
            given: dict[str, Any] = {"store": stack.enter_context(a_cluster()).schema()}
        else:
            given = {"store_path": tmp_path_factory.mktemp("store") / "c.db"}
        settings = load_settings(**given, max_turns_per_minute=10_000)
        running = stack.enter_context(serving_all({"heartline": (build_agent(settings), settings)}))
        yield running


@pytest.fixture(scope="module")
def key(server: Serving) -> str:
    """A key, and with it a conversation that can be found."""
    secret, _ = server.service.store.api_keys.create("acme", rights=RIGHTS)  # type: ignore[attr-defined]
    extra = {"heartline": {"conversation_id": "c-1"}}
    body = {"messages": [{"role": "user", "content": "I lost my job."}], **extra}
    assert server.post("/v1/chat/completions", body, authorization=f"Bearer {secret}").status_code == 200
    return secret


@pytest.mark.parametrize("mode", ["positive", "negative"])
@pytest.mark.parametrize(("method", "path"), OPERATIONS, ids=[" ".join(each) for each in OPERATIONS])
def test_that_whatever_is_sent_is_answered_as_the_document_says(
    server: Serving, key: str, method: str, path: str, mode: str
):
    operation = schemathesis.openapi.from_dict(DOCUMENT)[path][method]
    if mode == "negative" and not (operation.body or any(_parameters(method, path))):
        pytest.skip("nothing can be wrong in it")
    checks: list[Any] = [
        getattr(schemathesis.checks, name)
        for name in (
            "not_a_server_error", "status_code_conformance", "content_type_conformance",
            "response_headers_conformance", "response_schema_conformance",
        )
    ]  # fmt: skip
    with requests.Session() as session:
        session.trust_env = False

        @hypothesis.settings(
            max_examples=EXAMPLES,
            database=None,
            derandomize=True,
            suppress_health_check=list(hypothesis.HealthCheck),
        )
        @hypothesis.given(case=operation.as_strategy(GenerationMode(mode)))
        def hold(case: Any) -> None:
            response = case.call(
                base_url=server.url, session=session, headers={"Authorization": f"Bearer {key}"}, timeout=SECONDS
            )
            case.validate_response(response, checks=checks)

        hold()


def _parameters(method: str, path: str) -> list[Any]:
    found: list[Any] = DOCUMENT["paths"][path][method.lower()].get("parameters", [])
    return found


@pytest.mark.parametrize("place", sorted(HTTP.glob("*.py")), ids=lambda place: place.name)
def test_that_every_status_that_the_code_names_is_in_the_document(place: Path):
    told = {
        int(status)
        for path in DOCUMENT["paths"].values()
        for each in path.values()
        for status in each["responses"]
    }
    # Of no operation: an unknown path (404 is told elsewhere), a wrong method.
    of_no_operation = {405}
    for node in ast.walk(ast.parse(place.read_text(encoding="utf-8"))):
        if (
            isinstance(node, ast.Call) and getattr(node.func, "id", "") == "ApiError"
            and node.args and isinstance(node.args[0], ast.Constant)
        ):  # fmt: skip
            assert node.args[0].value in told | of_no_operation, f"{place.name}:{node.lineno}"


def test_that_the_document_names_only_paths_that_there_are_and_its_examples_are_taken(server: Serving, key: str):
    assert set(_ALSO) | set(_EXAMPLES) <= set(DOCUMENT["paths"])
    for path, examples in _EXAMPLES.items():
        for body in examples.values():
            status = server.post(path, body, authorization=f"Bearer {key}").status_code
            assert status in ({404} if path.endswith(("feedback", "handoff")) else {200}), path
    for path, operations in DOCUMENT["paths"].items():
        for operation in operations.values():
            assert bool(operation.get("security")) == (path not in {"/healthz", "/readyz"}), path
            for status, response in operation["responses"].items():
                assert response["headers"]["X-Request-Id"]["required"]
                if int(status) >= 400 and path != "/readyz":
                    ErrorAnswer.model_validate(response["content"]["application/json"]["example"])


def test_that_every_event_of_a_stream_is_as_the_document_says(server: Serving, key: str):
    body = {
        "messages": [{"role": "user", "content": "I lost my job."}], "stream": True,
        "stream_options": {"include_usage": True}, "heartline": {"events": True},
    }  # fmt: skip
    answer = server.post("/v1/chat/completions", body, authorization=f"Bearer {key}")
    *told, last = events_in(answer.text)
    assert last == (None, "[DONE]")
    assert {name for name, _ in told} >= {None, "heartline.started", "heartline.finished"}
    chunks = [ChatCompletionChunk.model_validate(each) for _, each in told]
    for chunk, (_, each) in zip(chunks, told, strict=True):
        sent = chunk.model_dump(mode="json", exclude_unset=True)
        assert sent.keys() == each.keys()  # nothing is sent that the document does not name
        assert (sent["choices"], sent.get("usage")) == (each["choices"], each.get("usage"))
    assert chunks[-2].choices[0].finish_reason == "stop" or chunks[-1].choices[0].finish_reason == "stop"
    assert "ChatCompletionChunk" in DOCUMENT["components"]["schemas"]
