"""Reports of evaluations, from the page's own server: files of the runs' folder and nothing else."""

from __future__ import annotations

from fastapi import FastAPI, Request
from starlette.responses import FileResponse, PlainTextResponse, Response

from ui.page.evaluating import Evaluations
from ui.page.run_state import EvaluationError
from ui.page.texts import COOKIE, preferred, texts_in

__all__ = ["add_reports"]


def add_reports(app: FastAPI, evaluations: Evaluations) -> None:
    """Serve `/reports/RUN`, and `/reports/RUN~RUN` for two runs beside each other.

    Args:
        app: The application. What browsers may do with a report is what `ui.page.door` says of every answer, and
            the report's own policy, which is stricter.
        evaluations: Makes reports where they are missing.
    """

    @app.get("/reports/{name}", include_in_schema=False)
    async def report(name: str, request: Request) -> Response:
        """The report of a run."""
        texts = texts_in(preferred(request.headers.get("accept-language", ""), request.cookies.get(COOKIE, "")))
        try:
            path = await evaluations.report(name)
        except EvaluationError as error:
            words = (texts(f"evaluate_problem.{error.problem.kind}"), error.problem.said)
            return PlainTextResponse("\n\n".join(filter(None, words)), 422)
        if path is None:
            return PlainTextResponse(texts("evaluate_problem.gone"), 404)
        return FileResponse(path, media_type="text/html; charset=utf-8", headers={"cache-control": "no-store"})
