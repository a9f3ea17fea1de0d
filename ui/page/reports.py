"""Reports of evaluations, from the page's own server: files of the runs' folder and nothing else."""

from __future__ import annotations

from fastapi import FastAPI
from starlette.responses import FileResponse, PlainTextResponse, Response

from agent.errors import HeartlineError
from ui.page.evaluating import Evaluations

__all__ = ["add_reports"]


def add_reports(app: FastAPI, evaluations: Evaluations) -> None:
    """Serve `/reports/RUN`, and `/reports/RUN~RUN` for two runs beside each other.

    Args:
        app: The application. What browsers may do with a report is what `ui.page.door` says of every answer, and
            the report's own policy, which is stricter.
        evaluations: Makes reports where they are missing.
    """

    @app.get("/reports/{name}", include_in_schema=False)
    async def report(name: str) -> Response:
        """The report of a run."""
        try:
            path = await evaluations.report(name)
        except HeartlineError as error:
            return PlainTextResponse(str(error), 422)
        if path is None:
            return PlainTextResponse("There is no such run.", 404)
        return FileResponse(path, media_type="text/html; charset=utf-8", headers={"cache-control": "no-store"})
