"""What values of settings look like: texts that are checked, and groups of settings that belong together."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from agent.errors import SettingsError
from agent.options import parts_of

__all__ = [
    "Operations",
    "OptionalPart",
    "PageRules",
    "Retention",
    "StorePool",
    "TurnOrder",
    "profile_name",
    "variant_name",
    "web_address",
    "written_out",
]

_PROFILE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


def web_address(value: str) -> str:
    """The address without a slash at its end; `ValueError` where it is none of the web."""
    if not value.startswith(("http://", "https://")):
        raise ValueError("should begin with http:// or https://, e.g. http://127.0.0.1:8000/v1")
    return value.rstrip("/")


def variant_name(value: str) -> str:
    """The variant of a prompt; `ValueError` where it names no parts of one."""
    try:
        parts_of(value)
    except SettingsError as error:
        raise ValueError(str(error)) from None
    return value


def profile_name(value: str) -> str:
    """The name of a profile; `ValueError` where clients could not use it as a model."""
    if not _PROFILE_NAME.fullmatch(value) or value == "heartline":
        raise ValueError("should be 1 to 64 letters, digits, dots, dashes or underscores, and not `heartline`")
    return value


def _or_none(value: Any) -> Any:
    """None for the word `none`, which is how a file or the environment leaves a part out."""
    return None if value == "none" else value


def written_out(value: Any) -> Any:
    """A path as text; anything else as it is."""
    return str(value) if isinstance(value, Path) else value


OptionalPart = Annotated[str | None, BeforeValidator(_or_none)]
"""Name of a part that may be left out."""


class StorePool(BaseModel):
    """Connections of one process to the database that keeps conversations."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    size: Annotated[int, Field(ge=1, le=1000, description="Most connections.")] = 8
    wait: Annotated[float, Field(gt=0, description="Seconds to wait for one that is free.")] = 10.0
    connect: Annotated[float, Field(gt=0, description="Seconds to wait for the server (Postgres).")] = 5.0
    statement: Annotated[float, Field(gt=0, description="Seconds a statement may take (Postgres).")] = 30.0

    @property
    def exhausted(self) -> str:
        """The next step where none became free."""
        return (
            f"All {self.size} connections were in use for {self.wait:g} s. Try again, or raise `size` in "
            "`store_pool` (HEARTLINE_STORE_POOL)."
        )


class Operations(BaseModel):
    """What whoever runs the server sees of it; see docs/operations.md."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    log_format: Annotated[Literal["text", "json"], Field(description="Form of the lines of the log.")] = "text"
    log_level: Annotated[
        Literal["debug", "info", "warning", "error"],
        Field(description="Least that is logged; requests are `info`."),
    ] = "info"
    trace_content: Annotated[
        bool, Field(description="Whether spans hold what was said: people's own words leave for the collector.")
    ] = False


class TurnOrder(BaseModel):
    """How the server keeps the turns of one conversation apart, over all processes on one store."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    wait: Annotated[float, Field(gt=0, description="Seconds to wait for the turn before.")] = 60.0
    lease: Annotated[
        float, Field(ge=1, le=120, description="Seconds after which the turn of a process that died is over.")
    ] = 8.0


class Retention(BaseModel):
    """How long conversations are kept, beside `retention_days`, and who sees to it."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    tenants: Annotated[
        dict[str, Annotated[int, Field(ge=1, le=36_500)]],
        Field(description="Days without use by tenant; `*` is everybody else."),
    ] = {}
    daily: Annotated[bool, Field(description="Whether a server erases once a day what is due.")] = True


class PageRules(BaseModel):
    """What whoever runs the page in the browser allows those who chat on it."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    visitor_llm: Annotated[
        bool | None,
        Field(
            description="Whether they may name an LLM server, which this machine then asks; by default only where "
            "nobody but this machine reaches the page."
        ),
    ] = None
    show_risk: Annotated[
        bool, Field(description="Show the risk that was read, with its evidence. For operators, not for visitors.")
    ] = False
    runs: Annotated[
        Path | None,
        Field(description="Folder of the results of the tab for evaluations; by default `runs` beside the store."),
    ] = None
