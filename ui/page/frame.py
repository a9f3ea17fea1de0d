"""The page as a whole in one language: header, help, tabs, and how it looks."""

from __future__ import annotations

from importlib.resources import files
from typing import Any

import gradio as gr
from markupsafe import Markup

from ui.page.desk import Desk
from ui.page.help_lines import as_shown, help_region
from ui.page.markup import filled
from ui.page.sparing import SparingBlocks
from ui.page.tab import QUICK, Page, visitor_of
from ui.page.tabs import TABS
from ui.page.texts import LANGUAGES, Texts, texts_in

__all__ = ["made", "shell", "theme"]

_KEPT_UNDER = "heartline"
# It hides nothing: whoever opens the page is told it. Gradio wants one that stays the same over restarts.
_SEAL = "heartline-page"
_SYSTEM = ("system-ui", "-apple-system", "Segoe UI", "Roboto", "Helvetica Neue", "Arial", "sans-serif")
_MONO = ("ui-monospace", "SFMono-Regular", "Menlo", "Consolas", "monospace")

_STYLE = files("ui.page").joinpath("static/page.css").read_text(encoding="utf-8")
_SCRIPT = files("ui.page").joinpath("static/page.js").read_text(encoding="utf-8")


def made(desk: Desk, texts: Texts) -> Any:  # Gradio leaves its context untyped
    """The page in one language.

    Args:
        desk: What all visitors share.
        texts: In the language.
    """
    with SparingBlocks(title=texts("title"), analytics_enabled=False, fill_width=True) as blocks:
        visitor = gr.BrowserState(None, storage_key=_KEPT_UNDER, secret=_SEAL)
        here = gr.Textbox("", visible="hidden", show_label=False, container=False)
        page = Page(desk, texts, blocks, visitor, here)
        others = [(code, texts_in(code)) for code in LANGUAGES if code != texts.language]
        with gr.Row(elem_id="bar"):
            gr.HTML(filled("header", texts, languages=others), apply_default_css=False, elem_id="header")
            lines = gr.HTML(
                _help(desk, texts, desk.settings.country), apply_default_css=False, elem_id="help-region"
            )
        with gr.Tabs(elem_id="tabs", overflow_behavior="wrap"):
            for tab in TABS:
                if tab.offered(desk):
                    with gr.Tab(texts(f"tab.{tab.id}"), id=tab.id, elem_id=f"tab-{tab.id}"):
                        tab.build(page)

        def lines_there(kept: Any, request: gr.Request) -> str:
            return _help(desk, texts, desk.country(visitor_of(kept, request, desk).choices))

        gr.on([blocks.load, visitor.change], lines_there, visitor, lines, **QUICK)
    return blocks


def shell(desk: Desk, texts: Texts) -> tuple[str, str, str]:
    """Language, head and body of the document that comes before Gradio's (see `ui.page.shell`)."""
    # Gradio rewrites the rules of its own parameter `css`, and spoils those for narrow screens.
    made_head = filled("head", texts, style=Markup(_STYLE), script=Markup(_SCRIPT))  # noqa: S704 - files of ours
    within = filled("shell", texts, help=as_shown(desk.directory.country(desk.settings.country), texts))
    return texts.language, made_head, within


def theme() -> gr.themes.Base:
    """Calm, and nothing that is fetched: the fonts are the system's."""
    return gr.themes.Base(
        primary_hue="teal", neutral_hue="stone", radius_size="lg", font=list(_SYSTEM), font_mono=list(_MONO)
    ).set(
        body_background_fill="#faf8f5",
        body_background_fill_dark="#16181b",
        body_text_color="#22262b",
        body_text_color_dark="#e8e6e2",
        background_fill_primary="#faf8f5",
        background_fill_primary_dark="#16181b",
        button_primary_background_fill="#0d5c63",
        button_primary_background_fill_hover="#0a4a50",
        button_primary_background_fill_dark="#7cc6c9",
        button_primary_background_fill_hover_dark="#98d6d8",
        button_primary_text_color="#ffffff",
        button_primary_text_color_dark="#0e1719",
    )


def _help(desk: Desk, texts: Texts, country: str | None) -> str:
    return help_region(desk.directory.country(country), texts)
