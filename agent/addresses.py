"""Addresses of the web that somebody gave."""

from __future__ import annotations

from urllib.parse import SplitResult, urlsplit

__all__ = ["web_parts"]


def web_parts(url: str) -> SplitResult | None:
    """The parts of an address that HTTP can ask; None where it is none."""
    try:
        parts = urlsplit(url)
        usable = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:  # a port that is no number, an unclosed bracket
        return None
    return parts if usable else None
