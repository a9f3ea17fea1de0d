"""`GET /metrics`, for Prometheus."""

from __future__ import annotations

import asyncio
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from prometheus_client import CONTENT_TYPE_LATEST
from starlette.responses import Response

from ui.http.profiles import Service
from ui.http.tenancy import Tenant, needs

__all__ = ["router"]

router = APIRouter(tags=["operations"])

_TEXT = {
    200: {"content": {"text/plain": {"schema": {"type": "string"}}}, "description": "Prometheus' text format."}
}


@router.get("/metrics", response_class=Response, responses=_TEXT)  # type: ignore[arg-type]
async def metrics(request: Request, _: Annotated[Tenant, Depends(needs("metrics"))]) -> Response:
    """Counts over all tenants, so that a key with the right `metrics` is needed where keys are."""
    service: Service = request.app.state.service
    service.metrics.ready.set(await service.problem() is None)
    return Response(await asyncio.to_thread(service.metrics.shown), media_type=CONTENT_TYPE_LATEST)
