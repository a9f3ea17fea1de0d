"""The OpenAPI document: every status that a path answers with, its headers, and examples to begin with."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic.json_schema import models_json_schema

from ui.http.errors import INTERNAL, ApiError
from ui.http.schemas import ErrorAnswer
from ui.http.stream_schemas import ChatCompletionChunk

__all__ = ["document"]

_REF = "#/components/schemas/"

# Status: when it comes, and an example of what is told.
_ERRORS: dict[int, tuple[str, ApiError]] = {
    400: (
        "The request cannot be read, or asks for what is not offered. `param` names the field.",
        ApiError(400, "Only one choice is offered: `n` is 1.", code="unsupported_value", param="n"),
    ),
    401: (
        "A key is needed, or this one opens nothing.",
        ApiError(401, "A key is needed: send `Authorization: Bearer hl_…`.", code="invalid_api_key"),
    ),
    403: (
        "The key lacks the right to this.",
        ApiError(403, "The key lacks the right `erase`.", code="right_missing"),
    ),
    404: (
        "No such profile, conversation or turn; somebody else's answers the same.",
        ApiError(404, "No conversation has this id.", code="conversation_not_found"),
    ),
    408: (
        "The body took too long.",
        ApiError(408, "The body did not arrive in time.", code="body_too_slow"),
    ),
    409: (
        "A turn before, or with this `Idempotency-Key`, is still being answered; or somebody else took it over.",
        ApiError(409, "A request with this `Idempotency-Key` is being answered.", code="request_in_progress"),
    ),
    413: (
        "Beyond a limit that waiting does not lift.",
        ApiError(413, "The body is longer than 2,000,000 bytes.", code="body_too_long"),
    ),
    421: (
        "The server is not called by this name.",
        ApiError(421, "The server is not called by this name.", code="unknown_host"),
    ),
    422: (
        "The `Idempotency-Key` was used for something else.",
        ApiError(422, "The `Idempotency-Key` was used before.", code="idempotency_key_reused"),
    ),
    429: (
        "Beyond a limit for now; nothing was taken in.",
        ApiError(429, "Messages of this conversation come too fast.", code="too_fast"),
    ),
    500: ("Something broke. The server's log names the request.", INTERNAL),
    501: (
        "The store that the server was given has no place for this.",
        ApiError(501, "The store 'x' cannot do that. `sqlite` can.", code="unsupported_by_store"),
    ),
    502: ("Nothing that speaks could answer.", ApiError(502, "No reply could be made.", code="no_reply")),
    503: (
        "The server is stopping, or its store does not answer.",
        ApiError(503, "The server is stopping. Try again.", code="stopping"),
    ),
}
_ANYWHERE = (421, 500)
_WITH_KEY = (400, 401, 403, 429, 503)
_WITH_BODY = (408, 413)
_OF_WRITES = (409, 422)
_ALSO = {
    "/v1/chat/completions": (404, 409, 422, 502),
    "/v1/models/{model_id}": (404,),
    "/v1/heartline/analyze": (404,),
    "/v1/heartline/conversations": (404,),
    "/v1/heartline/conversations/{conversation_id}": (404,),
    "/v1/heartline/conversations/{conversation_id}/trace": (404,),
    "/v1/heartline/conversations/{conversation_id}/people": (404,),
    "/v1/heartline/feedback": (404, 501),
    "/v1/heartline/handoff": (404, 409, 422, 501),
}


def _header(description: str, *, required: bool = False, kind: str = "string") -> dict[str, Any]:
    return {"description": description, "required": required, "schema": {"type": kind}}


_REQUEST_ID = {"X-Request-Id": _header("The client's, or a new one. Logs name it.", required=True)}
_OF_STATUS = {
    401: {"WWW-Authenticate": _header("`Bearer`.", required=True)},
    409: {"Retry-After": _header("Seconds; where waiting helps.", kind="integer")},
    429: {"Retry-After": _header("Seconds.", required=True, kind="integer")},
    503: {"Retry-After": _header("Seconds; where it is known.", kind="integer")},
}
_OF_KEY = {
    "x-ratelimit-limit-requests": _header("Requests a minute; with keys.", kind="integer"),
    "x-ratelimit-remaining-requests": _header("How many of them are left.", kind="integer"),
    "x-ratelimit-reset-requests": _header("When all of them are, as OpenAI writes it, e.g. `6m0s`."),
}
_OF_CHAT = {
    "X-Heartline-Conversation": _header("Id of the conversation; none where nothing is kept."),
    "X-Heartline-Stored": _header("`false` where the conversation could not be kept."),
    "Idempotency-Replayed": _header("`true` where the answer was given before."),
    "X-Accel-Buffering": _header("`no` with a stream: proxies pass each event on at once."),
}
# Before version 3.2 of OpenAPI, the schema of a stream is that of each event.
_EVENT = {
    "type": "object",
    "description": "Chunks, then `[DONE]`. Named events tell of stages, where they were asked for.",
    "properties": {
        "event": {"type": "string"},
        "data": {
            "type": "string",
            "anyOf": [
                {"const": "[DONE]"},
                {
                    "contentMediaType": "application/json",
                    "contentSchema": {
                        "anyOf": [{"$ref": f"{_REF}ChatCompletionChunk"}, {"$ref": f"{_REF}ErrorAnswer"}]
                    },
                },
            ],
        },
    },
    "required": ["data"],
}
_SAID = [{"role": "user", "content": "I lost my job today."}]
_EXAMPLES: dict[str, dict[str, Any]] = {
    "/v1/chat/completions": {
        "stateless": {"model": "heartline", "messages": _SAID},
        "stored": {"model": "heartline", "messages": _SAID, "heartline": {"conversation_id": "new"}},
        "another way": {
            "model": "heartline",
            "messages": _SAID,
            "heartline": {"conversation_id": "c-1", "strategy": "question"},
        },
        "streamed": {"model": "heartline", "messages": _SAID, "stream": True},
    },
    "/v1/heartline/analyze": {"two": {"input": ["I lost my job today.", "She came home!"], "top": 3}},
    "/v1/heartline/erase": {"one": {"conversation_ids": ["c-1"]}},
    "/v1/heartline/feedback": {"good": {"conversation_id": "c-1", "turn_id": "t-1", "rating": 1}},
    "/v1/heartline/handoff": {
        "hold": {"action": "hold", "conversation_id": "c-1", "by": "Sam"},
        "say": {"action": "say", "conversation_id": "c-1", "by": "Sam", "words": "Hello, I am Sam. I'm with you."},
        "release": {"action": "release", "conversation_id": "c-1"},
    },
}
_ABOUT = (
    "Empathetic agents behind OpenAI's chat completions. Where a chat is not answered, `error.help_lines` is for "
    "whoever waits behind the client. Keys are made with `heartline keys create`; as long as "
    "there never was one, nobody needs one and the server listens on its own machine only."
)


def document(app: FastAPI) -> dict[str, Any]:
    """The document of the routes; made once.

    Args:
        app: With all its routes.
    """
    if app.openapi_schema is None:
        made = get_openapi(
            title=app.title,
            version=app.version,
            routes=app.routes,
            summary="Empathetic agents.",
            description=_ABOUT,
        )
        schemas = made["components"]["schemas"]
        for unused in ("HTTPValidationError", "ValidationError"):
            schemas.pop(unused, None)
        _, ours = models_json_schema(
            [(ErrorAnswer, "serialization"), (ChatCompletionChunk, "serialization")], ref_template=_REF + "{model}"
        )
        for name, schema in ours["$defs"].items():
            schemas.setdefault(name, schema)
        for path, operations in made["paths"].items():
            for method, operation in operations.items():
                _complete(path, method, operation)
        app.openapi_schema = made
    return app.openapi_schema


def _complete(path: str, method: str, operation: dict[str, Any]) -> None:
    """Add to an operation what its code does not say."""
    responses = operation["responses"]
    responses.pop("422", None)  # the framework's answer to malformed requests; ours is 400
    statuses = set(_ANYWHERE)
    if "security" in operation:
        statuses.update(_WITH_KEY, _ALSO.get(path, ()))
        statuses = statuses - {*_OF_WRITES} if method == "get" else statuses | {*_WITH_BODY}
    for status in sorted(statuses):
        responses.setdefault(str(status), _error(status))
    of_all = _REQUEST_ID | _OF_KEY if "security" in operation else _REQUEST_ID
    for status, response in responses.items():
        response["headers"] = of_all | response.get("headers", {}) | _OF_STATUS.get(int(status), {})
    body = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
    if path in _EXAMPLES and body:
        body["examples"] = {name: {"value": value} for name, value in _EXAMPLES[path].items()}
    if path == "/v1/heartline/handoff" and method == "post":
        responses["200"]["headers"]["Idempotency-Replayed"] = _header("`true` where it was said before.")
    if path == "/v1/chat/completions":
        responses["200"]["headers"] |= _OF_CHAT
        responses["200"]["content"]["text/event-stream"] = {
            "schema": _EVENT,
            "example": ChatCompletionChunk.example(),
        }


def _error(status: int) -> dict[str, Any]:
    description, told = _ERRORS[status]
    content = {"schema": {"$ref": f"{_REF}ErrorAnswer"}, "example": told.body()}
    return {"description": description, "content": {"application/json": content}}
