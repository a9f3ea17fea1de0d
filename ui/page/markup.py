"""Templates of the page, filled. Every text is escaped; words of people never become markup."""

from __future__ import annotations

from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from agent.intake import scrub
from ui.page.texts import Texts

__all__ = ["compile_all", "filled"]


def filled(template: str, texts: Texts, **content: Any) -> str:
    """A template of `ui/page/templates`.

    Args:
        template: Its name without `.html.jinja`.
        texts: In the language of the page; templates call it `t`.
        **content: What it shows.
    """
    return _environment().get_template(f"{template}.html.jinja").render(t=texts, **content)


def compile_all() -> None:
    """Compile every template, which its first use would wait for."""
    for name in _environment().list_templates(extensions=["jinja"]):
        _environment().get_template(name)


@cache
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("ui.page", "templates"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        autoescape=True,
        finalize=_shown,
    )


def _shown(value: Any) -> Any:
    return scrub(value) if isinstance(value, str) and not hasattr(value, "__html__") else value
