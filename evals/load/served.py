"""`heartline serve` as a process, and the one place that says with which settings it is measured."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from evals.load.process import Process, running
from evals.load.stores import Kept

__all__ = ["served"]

_SETTINGS: Mapping[str, str] = {
    # A conversation that is measured sends its messages as fast as it is answered.
    "HEARTLINE_MAX_TURNS_PER_MINUTE": "1000000",
    # All of them come with one key, or with none.
    "HEARTLINE_KEY_LIMITS": json.dumps(
        dict.fromkeys(("per_minute", "concurrent", "tenant_per_minute", "tenant_concurrent"), 1_000_000)
    ),
    # A notice would be the first words of the first reply, and no work.
    "HEARTLINE_NOTICES_IN_CONTENT": "0",
}
"""Where the server is measured with other settings than the ones that are usual; everything else is as shipped."""

WITH_LLM: Mapping[str, str] = {
    "HEARTLINE_LLM_MODEL": "tiny",
    "HEARTLINE_LLM_CONTEXT": "32768",
    # One call of the LLM for a reply, as somebody makes who asks it directly.
    "HEARTLINE_TWO_STAGE": "inline",
    # Streams that are held open would be all that it takes on.
    "HEARTLINE_SERVER_LOAD": json.dumps(dict.fromkeys(("running", "waiting", "waiting_per_tenant"), 10_000)),
    # It says nothing for as long as streams are held open.
    "HEARTLINE_LLM_TIMEOUT": "1800",
    "HEARTLINE_LLM_DEADLINE": "1800",
}
"""More of them where an LLM speaks."""


@asynccontextmanager
async def served(kept: Kept, folder: Path, *, llm: str | None = None, workers: int = 1) -> AsyncGenerator[Process]:
    """The server on a free port, killed in the end.

    Args:
        kept: Its store.
        folder: It runs there.
        llm: Address of the LLM, without a path; None for the built-in responder.
        workers: Processes that answer.

    Raises:
        MeasurementError: It does not start.
    """
    command = ["-m", "ui.cli", "serve", "--port", "0", "--workers", str(workers), *kept.arguments]
    environment = {**_SETTINGS, **kept.environment}
    if llm is not None:
        command += ["--llm", f"{llm}/v1"]
        environment |= WITH_LLM
    async with running(command, says="Serving at ", folder=folder, environment=environment) as process:
        yield process
