"""`GET /metrics`, for Prometheus."""

from __future__ import annotations

import asyncio
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from prometheus_client import CONTENT_TYPE_LATEST
from starlette.responses import Response

from ui.http.errors import ApiError
from ui.http.profiles import Service
from ui.http.tenancy import Tenant, authorised

__all__ = ["router"]

router = APIRouter(tags=["operations"])

_TEXT = {
    200: {"content": {"text/plain": {"schema": {"type": "string"}}}, "description": "Prometheus' text format."}
}


@router.get("/metrics", response_class=Response, responses=_TEXT)  # type: ignore[arg-type]
async def metrics(request: Request, tenant: Annotated[Tenant, Depends(authorised)]) -> Response:
    """Counts over all tenants, so that a key of whoever runs the server is needed where keys are."""
    service: Service = request.app.state.service
    if tenant.name not in {None, service.operations.metrics_tenant}:
        raise ApiError(
            403,
            "Metrics are for whoever runs the server. `heartline keys create` makes a key for the tenant that the "
            "setting `metrics_tenant` names.",
            code="not_yours",
        )
    service.metrics.ready.set(await service.problem() is None)
    return Response(await asyncio.to_thread(service.metrics.shown), media_type=CONTENT_TYPE_LATEST)
