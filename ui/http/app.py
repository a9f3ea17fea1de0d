"""The application: routes, errors and limits put together."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Collection
from contextlib import asynccontextmanager
from typing import Literal

from fastapi import FastAPI, Request
from pydantic import BaseModel, Field
from starlette.responses import JSONResponse
from starlette.routing import Route
from starlette.types import ASGIApp

from agent.breaker import BreakerState
from ui.http import chat_completions, handoff_endpoints, operations, side_endpoints
from ui.http.cors import with_cors
from ui.http.daily import daily
from ui.http.edge import Edge
from ui.http.errors import install
from ui.http.metering import Metered
from ui.http.observed import Observed
from ui.http.openapi import document
from ui.http.profiles import Service
from ui.http.spared import help_lines_of

__all__ = ["make_app", "make_routes"]

_ROUTERS = (chat_completions.router, side_endpoints.router, handoff_endpoints.router, operations.router)


class Health(BaseModel):
    """Whether it lives."""

    status: Literal["ok"] = "ok"


class Readiness(BaseModel):
    """Whether it can answer, and what keeps it from that."""

    status: Literal["ok", "unready"]
    problem: Literal["stopping", "store"] | None = None
    llm: BreakerState | None = Field(
        default=None,
        description="The circuit breaker of the LLM server, of the worst one where there are several; null "
        "where there is none. While it is open the fallback answers, so it is ready all the same.",
    )


def make_app(
    service: Service,
    *,
    max_body_bytes: int = 2_000_000,
    body_seconds: float = 30.0,
    hosts: Collection[str] | None = None,
) -> ASGIApp:
    """The application, to be served by any ASGI server. It closes the service when the server stops.

    Args:
        service: What requests share.
        max_body_bytes: Longest request.
        body_seconds: How long a request may take to arrive.
        hosts: Names that the server may be called by; None takes any.
    """
    app, drain = make_routes(service), service.drain
    # Not from the document, which takes longest of all at the start and is made for who asks for it.
    routes = [route for part in (app, *_ROUTERS) for route in part.routes if isinstance(route, Route)]
    paths = [route.path for route in routes if "{" not in route.path]
    edge = Edge(
        app,
        drain,
        max_body_bytes=max_body_bytes,
        body_seconds=body_seconds,
        hosts=hosts,
        help_lines={"/v1/chat/completions": lambda: help_lines_of(service.profiles[service.default])},
    )
    return Observed(with_cors(edge, service.settings.allow_origins), service.metrics, paths)


def make_routes(service: Service) -> FastAPI:
    """The routes alone, without what `Edge` adds."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncGenerator[None]:
        async with daily(service.store, service.settings):
            yield
        await service.aclose()

    app = FastAPI(
        title="Heartline",
        version="1",
        docs_url=None,  # they fetch scripts from elsewhere
        redoc_url=None,
        lifespan=lifespan,
        redirect_slashes=False,
        # Its own records what exceptions say, and they may quote a person.
        telemetry={"tracing": False, "metrics": False, "logs": False, "auto_configure": False},
    )
    app.state.service = service
    app.add_middleware(Metered)
    install(app)
    for router in _ROUTERS:
        app.include_router(router)
    _add_health(app, service)
    app.openapi = lambda: document(app)  # type: ignore[method-assign]
    return app


def _add_health(app: FastAPI, service: Service) -> None:
    @app.get("/healthz", tags=["operations"])
    async def healthz() -> Health:
        """Alive."""
        return Health()

    @app.get("/readyz", tags=["operations"], response_model=Readiness, responses={503: {"model": Readiness}})
    async def readyz(_: Request) -> JSONResponse:
        """Ready: weights are loaded before the server listens, and the store answers."""
        problem = await service.problem()
        status: Literal["ok", "unready"] = "ok" if problem is None else "unready"
        told = Readiness(status=status, problem=problem, llm=service.llm)  # type: ignore[arg-type]
        return JSONResponse(told.model_dump(), status_code=200 if problem is None else 503)
