"""The patterns of the checks, from `acts.toml`."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files

from agent.errors import DataError

__all__ = ["patterns"]


@cache
def patterns(table: str) -> Mapping[str, re.Pattern[str]]:
    """The patterns of one table by name; read once.

    Raises:
        DataError: The file cannot be read.
    """
    try:
        raw = tomllib.loads(files("evals.safety").joinpath("acts.toml").read_text("utf-8"))
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise DataError("evals/safety/acts.toml cannot be read. Install the package again.") from error
    return {name: _compiled(several, raw["words"]) for name, several in raw[table].items()}


def _compiled(several: list[str], words: Mapping[str, str]) -> re.Pattern[str]:
    whole = "|".join(several)
    for name, expansion in words.items():
        whole = whole.replace(f"{{{name}}}", expansion)
    return re.compile(whole)
