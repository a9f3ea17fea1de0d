"""Errors as OpenAI's clients know them. None of them holds a word of a person, or tells what broke inside."""

from __future__ import annotations

import logging
import math
import re
import traceback
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse
from starlette.types import Scope

from agent.errors import (
    GenerationError,
    HeartlineError,
    HeldError,
    InputError,
    LimitError,
    RequestReusedError,
    StoreError,
    UnknownConversationError,
)

__all__ = ["INTERNAL", "ApiError", "answer", "as_api_error", "install", "log_broken", "told_in"]

_log = logging.getLogger("heartline.http")
_FIELD = re.compile(r"[a-z_][a-z0-9_]{0,63}")
_KINDS = {401: "authentication_error", 403: "permission_error", 404: "not_found_error", 429: "rate_limit_error"}


class ApiError(Exception):
    """An error that is answered as it stands.

    Attributes:
        status: HTTP status.
        message: For whoever wrote the client.
        code: Stable word for programs.
        param: Field of the request that it is about.
        headers: To go with the answer.
        help_lines: Where help is to be had, where somebody in need of it may be waiting behind the client.
    """

    def __init__(
        self,
        status: int,
        message: str,
        *,
        code: str | None = None,
        param: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status, self.message, self.code, self.param = status, message, code, param
        self.headers = dict(headers or {})
        self.help_lines: tuple[str, ...] = ()

    def naming(self, help_lines: Sequence[str]) -> ApiError:
        """The same with help lines, unless the client itself is wrong."""
        named = ApiError(self.status, self.message, code=self.code, param=self.param, headers=self.headers)
        named.help_lines = () if self.status in _OF_WRONG_CLIENTS else tuple(help_lines)
        return named

    def body(self) -> dict[str, Any]:
        """As OpenAI writes it."""
        kind = _KINDS.get(self.status, "server_error" if self.status >= 500 else "invalid_request_error")  # noqa: PLR2004
        told = {"message": self.message, "type": kind, "param": self.param, "code": self.code}
        return {"error": told | ({"help_lines": list(self.help_lines)} if self.help_lines else {})}


INTERNAL = ApiError(500, "Something broke inside the server. Its log names the request.", code="internal_error")


_OF_WRONG_CLIENTS = frozenset({400, 405, 421, 422})
"""What a client gets that is written wrongly: it never gets as far as to a person."""


def answer(error: ApiError) -> JSONResponse:
    """The response that tells of an error."""
    return JSONResponse(error.body(), status_code=error.status, headers=error.headers)


def told_in(scope: Scope, error: Exception) -> ApiError:
    """What is told of an error in answer to a request.

    Where somebody in need may be waiting for a reply, it says where help is to be had.

    Args:
        scope: Of the request; its state knows `help`, which gives the lines.
        error: Whatever was raised.
    """
    told = as_api_error(error)
    help_lines: Callable[[], Sequence[str]] | None = scope.get("state", {}).get("help")
    return told if help_lines is None else told.naming(help_lines())


def as_api_error(error: Exception) -> ApiError:  # noqa: PLR0911 - one for each kind
    """What is told of an error of ours; of any other, nothing but that there was one.

    Ids of conversations and paths of files stand in errors of the store: what is told of them is a sentence of
    its own.
    """
    match error:
        case ApiError():
            return error
        case LimitError(retry_after=float() | int() as wait):
            seconds = max(1, math.ceil(wait))
            return ApiError(
                429,
                f"Messages of this conversation come too fast. It was not taken in: send it again in {seconds} s.",
                code="too_fast",
                headers={"Retry-After": str(seconds)},
            )
        case LimitError():
            return ApiError(413, str(error), code="over_limit", param="messages")
        case InputError():
            return ApiError(400, str(error), code="invalid_message", param="messages")
        case RequestReusedError():
            return ApiError(
                422,
                "The `Idempotency-Key` was used before, for something else. Take a new key for each message.",
                code="idempotency_key_reused",
            )
        case HeldError():
            return ApiError(409, str(error), code="held_by_another")
        case UnknownConversationError():
            return ApiError(404, "No conversation has this id.", code="conversation_not_found")
        case StoreError():
            return ApiError(
                503,
                "The store of conversations cannot be used at the moment. Try again.",
                code="store_unavailable",
                headers={"Retry-After": "2"},
            )
        case GenerationError():
            return ApiError(502, "No reply could be made. Try again.", code="no_reply")
        case HeartlineError():
            return ApiError(500, "The server is not set up right: ask whoever runs it.", code="misconfigured")
    return INTERNAL


def install(app: FastAPI) -> None:
    """Have every error of an app answered in this form."""
    app.add_exception_handler(RequestValidationError, _malformed)
    app.add_exception_handler(HTTPException, _refused)
    app.add_exception_handler(ApiError, _told)
    app.add_exception_handler(HeartlineError, _told)
    app.add_exception_handler(Exception, _told)  # raised again once it is answered; `Edge` logs it


async def _told(request: Request, error: Exception) -> JSONResponse:
    return answer(told_in(request.scope, error))


async def _malformed(_: Request, error: Exception) -> JSONResponse:
    """The first thing that is wrong: where, and what should be there. Never what is there."""
    problems: Sequence[Any] = error.errors() if isinstance(error, RequestValidationError) else ()
    if not problems:
        return answer(ApiError(400, "The request cannot be read.", code="invalid_request"))
    first = problems[0]
    if first["type"] == "json_invalid":
        return answer(ApiError(400, "The body is not valid JSON.", code="invalid_json"))
    param = _param(first["loc"])
    where = f"`{param}`" if param else "The request"
    what = str(first["msg"]).removeprefix("Value error, ")
    if not param and first["type"] in {"model_attributes_type", "missing", "dict_type"}:
        what = "The body should be a JSON object, sent as `application/json`"
    return answer(ApiError(400, f"{where}: {what}.", code="invalid_request", param=param or None))


def _param(place: Sequence[Any]) -> str:
    """E.g. `messages[0].role`; names that are no names of ours are left out, since a client may write anything."""
    path = ""
    for step in place[1:]:
        if isinstance(step, int):
            path += f"[{step}]"
        elif _FIELD.fullmatch(str(step)):
            path += f".{step}" if path else str(step)
    return path


async def _refused(_: Request, error: Exception) -> JSONResponse:
    """What the framework itself refuses: an unknown path, a wrong method, an unreadable body."""
    status = error.status_code if isinstance(error, HTTPException) else 500
    headers = (error.headers if isinstance(error, HTTPException) else None) or {}
    if status == 404:  # noqa: PLR2004
        told = ApiError(404, "There is nothing at this path. See /openapi.json.", code="unknown_path")
    elif status == 405:  # noqa: PLR2004
        allowed = headers.get("allow") or headers.get("Allow") or ""
        told = ApiError(405, f"This path takes another method: {allowed}.", code="method_not_allowed")
    elif status == 400:  # noqa: PLR2004
        told = ApiError(400, "The body cannot be read as JSON.", code="invalid_json")
    else:
        told = ApiError(status, "The request was refused.", code="refused")
    told.headers = dict(headers)
    return answer(told)


def log_broken(request_id: str, error: Exception) -> None:
    """A line for the operator: which request, which kind of error, and where it was raised. Not what it said,
    since a stranger's error may quote a person.
    """
    frames = traceback.extract_tb(error.__traceback__)
    place = f"{frames[-1].filename.rsplit('/', 1)[-1]}:{frames[-1].lineno}" if frames else "an unknown place"
    _log.error("request %s broke: %s at %s", request_id, type(error).__name__, place)
