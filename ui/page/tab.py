"""What a tab of the page is: a name, a function that builds it, and when it is offered.

A tab is one module with a `TAB`, listed in `ui.page.tabs`; its title is the text `tab.` and its id. `build` is
called once for each language while Gradio's context of the tab is open; it makes components and binds events.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypedDict

import gradio as gr

from ui.page.desk import Desk
from ui.page.texts import Texts
from ui.page.visitor import Visitor

__all__ = ["QUICK", "Page", "Tab", "sent_with", "visitor_of"]


class _How(TypedDict):
    show_progress: Any
    api_visibility: Any
    queue: bool
    trigger_mode: Any


QUICK = _How(show_progress="hidden", api_visibility="private", queue=False, trigger_mode="multiple")
"""How events are bound that answer at once: past the queue, and in no list of endpoints."""


@dataclass(frozen=True)
class Page:
    """What tabs are built with.

    Attributes:
        desk: What all visitors share.
        texts: In the language of the page.
        blocks: The page; `blocks.load` is when it opens.
        visitor: What the browser keeps, for `visitor_of`. It changes when settings do.
        here: Id of the conversation that is open in this tab of the browser; empty where none is.
    """

    desk: Desk
    texts: Texts
    blocks: gr.Blocks
    visitor: gr.BrowserState
    here: gr.Textbox


@dataclass(frozen=True)
class Tab:
    """One tab.

    Attributes:
        id: In its address and its texts.
        build: Makes it.
        offered: Whether it is there, which whoever runs the page decides.
    """

    id: str
    build: Callable[[Page], object]
    offered: Callable[[Desk], bool] = lambda _: True


def visitor_of(kept: object, request: gr.Request, desk: Desk) -> Visitor:
    """Who asks; somebody new where the browser kept nothing that can be used.

    Args:
        kept: The value of `Page.visitor`.
        request: Of the event. Whoever needed a key to come in is named in it.
        desk: Knows whether one is needed.
    """
    tenant = request.username if desk.reach.keys else None
    return Visitor.parsed(kept, tenant) or Visitor.new(tenant)


def sent_with(event: gr.EventData) -> dict[str, Any]:
    """What the browser sent with an event; nothing of it is trusted."""
    data = event._data  # noqa: SLF001 - attributes of it raise where a key is missing
    return data if isinstance(data, dict) else {}
