"""The log of a server: one line for each request and for whatever breaks, without a word of anybody.

Loggers of ours and of uvicorn say what they say. Of any other library only the logger's name and the place are
told: what it says may quote a person, or a prompt.
"""

from __future__ import annotations

import json
import logging
import traceback
from datetime import UTC, datetime
from types import TracebackType
from typing import Any

from agent.setting_types import Operations

__all__ = ["set_up"]

_OURS = ("heartline", "uvicorn")


def set_up(operations: Operations) -> None:
    """Have everything logged to standard error in the form that the settings name. Again: in another form."""
    root = logging.getLogger()
    for handler in root.handlers[:]:
        if isinstance(handler.formatter, Lines):
            root.removeHandler(handler)
    handler = logging.StreamHandler()
    handler.setFormatter(Lines(as_json=operations.log_format == "json"))
    root.addHandler(handler)
    root.setLevel(logging.WARNING)
    level = operations.log_level.upper()
    logging.getLogger("heartline").setLevel(level)
    # What it says below that (a connection opened, a task started) is no news beside a line for each request.
    logging.getLogger("uvicorn").setLevel(max(logging.WARNING, logging.getLevelNamesMapping()[level]))


class Lines(logging.Formatter):
    """One line for each record.

    Args:
        as_json: An object a line, for programs; else for people.
    """

    def __init__(self, *, as_json: bool) -> None:
        super().__init__()
        self._as_json = as_json

    def format(self, record: logging.LogRecord) -> str:
        """The line. A record of ours may bring `fields`, which then stand in the object."""
        at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        said = _said(record)
        if record.exc_info and record.exc_info[1] is not None:
            said = f"{said} ({_broke(record.exc_info[1], record.exc_info[2])})"
        if not self._as_json:
            return f"{at} {record.levelname:<7} {record.name}: {said}"
        fields: dict[str, Any] = getattr(record, "fields", {})
        line = {"time": at, "level": record.levelname.lower(), "logger": record.name, "message": said, **fields}
        return json.dumps(line, ensure_ascii=False)


def _said(record: logging.LogRecord) -> str:
    if record.name.partition(".")[0] in _OURS:
        return " ".join(record.getMessage().split())
    return f"a message of this library, not shown, from {record.module}:{record.lineno}"


def _broke(error: BaseException, trace: TracebackType | None) -> str:
    """Kind and place of an error, and not what it says."""
    frames = traceback.extract_tb(trace)
    place = f"{frames[-1].filename.rsplit('/', 1)[-1]}:{frames[-1].lineno}" if frames else "an unknown place"
    return f"{type(error).__name__} at {place}"
