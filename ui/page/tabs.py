"""The tabs of the page, in their order."""

from __future__ import annotations

from ui.page import chat_tab, evaluate_tab, operator_tab, settings_tab, trace_tab, what_if_tab
from ui.page.tab import Tab

__all__ = ["TABS"]

TABS: tuple[Tab, ...] = (
    chat_tab.TAB,
    what_if_tab.TAB,
    trace_tab.TAB,
    evaluate_tab.TAB,
    operator_tab.TAB,
    settings_tab.TAB,
)
