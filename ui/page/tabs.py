"""The tabs of the page, in their order."""

from __future__ import annotations

from ui.page import chat_tab, settings_tab, what_if_tab
from ui.page.tab import Tab

__all__ = ["TABS"]

TABS: tuple[Tab, ...] = (chat_tab.TAB, what_if_tab.TAB, settings_tab.TAB)
