"""What several readers ask of the same words is found out once, and forgotten when they are done with them."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import wraps
from typing import Any, Generic, ParamSpec, TypeVar

__all__ = ["Same", "once", "remembering"]

P = ParamSpec("P")
ResultT = TypeVar("ResultT")
ObjectT = TypeVar("ObjectT")

_MOST = 256  # of some ten a turn; whoever reads thousands in one go shall not need the memory for them all

_FOUND: ContextVar[dict[Hashable, Any] | None] = ContextVar("found", default=None)


@contextmanager
def remembering() -> Iterator[None]:
    """While turns are read, functions that are marked `once` remember what they found; then it is forgotten.

    In this thread alone. A cache of the usual kind would hold a person's words for as long as it has room.
    """
    token = _FOUND.set({})
    try:
        yield
    finally:
        _FOUND.reset(token)


def once(work: Callable[P, ResultT]) -> Callable[P, ResultT]:
    """Mark a function that always gives the same for the same, none of which can be altered.

    Args:
        work: Outside of `remembering` it is called each time.
    """

    @wraps(work)
    def found(*args: P.args, **named: P.kwargs) -> ResultT:
        known = _FOUND.get()
        if known is None:
            return work(*args, **named)
        key = (work, args, *named.items())
        if key in known:
            return known[key]  # type: ignore[no-any-return]  # it is what this very function gave
        result = work(*args, **named)
        if len(known) >= _MOST:
            known.clear()
        known[key] = result
        return result

    return found


class Same(Generic[ObjectT]):
    """Stands for an object that is asked for by its identity: to hash a long dialogue takes longer than to use it.

    Attributes:
        it: The object.
    """

    __slots__ = ("it",)

    def __init__(self, it: ObjectT) -> None:
        self.it = it

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Same) and other.it is self.it

    def __hash__(self) -> int:
        return id(self.it)
