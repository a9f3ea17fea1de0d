"""Pages of which a part is written by a command."""

from __future__ import annotations

from agent.errors import DataError

__all__ = ["put_between"]


def put_between(page: str, begin: str, end: str, *, part: str) -> str:
    """The page with another part in its place.

    Args:
        page: Whole.
        begin: The line that the part begins with.
        end: The line that it ends with.
        part: Anew, with both lines.

    Raises:
        DataError: The page has no such place.
    """
    if begin not in page or end not in page:
        raise DataError(f"The page has no lines {begin!r} and {end!r}, between which the figures stand.")
    return page[: page.index(begin)] + part + page[page.index(end) + len(end) :]
