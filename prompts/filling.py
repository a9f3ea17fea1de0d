"""Prompt templates: read once, checked before the first turn, filled in a sandbox."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import jinja2
from jinja2 import meta
from jinja2.sandbox import SandboxedEnvironment

from agent.errors import WiringError

__all__ = ["TemplateFolder", "digest"]

_FOLDERS = 16
"""Contents that are kept compiled; a server has those of its profiles."""


class TemplateFolder:
    """The templates of one folder as they are now; later changes on disk do not reach them.

    Args:
        folder: Holds `*.jinja`.
        variables: Name of each template that must be there, to the variables that it may use.

    Raises:
        WiringError: A template is missing, broken or uses a variable that there is not.
    """

    def __init__(self, folder: Path, variables: Mapping[str, frozenset[str]]) -> None:
        self.sources = {path.name: path.read_text(encoding="utf-8") for path in sorted(folder.glob("*.jinja"))}
        self._environment = _environment(tuple(self.sources.items()))
        for name, allowed in variables.items():
            if name not in self.sources:
                held = ", ".join(self.sources) or "none"
                raise WiringError(f"No template {name!r} in {str(folder)!r}. It holds: {held}.")
            self._check(name, allowed)
            self._environment.get_template(name)  # compiled now: the first turn need not wait 50 ms for it

    def fill(self, name: str, values: Mapping[str, Any]) -> str:
        """The template with its values, without white space around it.

        Raises:
            WiringError: It asks for an attribute that there is not, or for one that the sandbox forbids.
        """
        try:
            return self._environment.get_template(name).render(values).strip()
        except jinja2.TemplateError as error:
            raise WiringError(
                f"Template {name!r} cannot be filled: {error.message}. Mend the template."
            ) from error

    def _check(self, name: str, allowed: frozenset[str]) -> None:
        try:
            used = _used(self._environment, self.sources[name])
        except jinja2.TemplateSyntaxError as error:
            raise WiringError(f"Template {name!r} is broken at line {error.lineno}: {error.message}.") from error
        unknown = sorted(used - allowed - set(self._environment.globals))
        if unknown:
            choices = ", ".join(sorted(allowed)) or "none"
            raise WiringError(f"Template {name!r} uses {unknown}, which nothing provides. Variables: {choices}.")


@lru_cache(maxsize=_FOLDERS)
def _environment(sources: tuple[tuple[str, str], ...]) -> SandboxedEnvironment:
    """One for each of the same contents, with what it has compiled: 50 ms that every agent would take again."""
    environment = SandboxedEnvironment(
        loader=jinja2.DictLoader(dict(sources)),
        undefined=jinja2.StrictUndefined,
        autoescape=False,  # the prompt is plain text: `<` must stay `<`
        trim_blocks=True,
        lstrip_blocks=True,
    )
    # Adding 0.0 turns -0.0 into 0.0, so that no change reads "+0.00".
    environment.filters["signed"] = lambda value: f"{round(value, 2) + 0.0:+.2f}"
    return environment


@lru_cache(maxsize=_FOLDERS)
def _used(environment: SandboxedEnvironment, source: str) -> frozenset[str]:
    return frozenset(meta.find_undeclared_variables(environment.parse(source)))


def digest(sources: Mapping[str, str]) -> str:
    """SHA-256 over names and contents, each with its length in front so that none can run together."""
    found = hashlib.sha256()
    for name in sorted(sources):
        for part in (name.encode(), sources[name].encode()):
            found.update(len(part).to_bytes(8, "big") + part)
    return found.hexdigest()
