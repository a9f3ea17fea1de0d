"""What an extra brings, asked for where it is needed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from agent.errors import SettingsError

__all__ = ["needs_extra"]


@contextmanager
def needs_extra(extra: str, doing: str) -> Iterator[None]:
    """Around imports of what an extra installs.

    Args:
        extra: Its name.
        doing: What needs it, at the beginning of a sentence.

    Raises:
        SettingsError: It is not installed.
    """
    try:
        yield
    except ImportError as error:
        raise SettingsError(
            f"{doing} needs {error.name!r}, which is not installed. Run: pip install 'heartline[{extra}]'"
        ) from error
