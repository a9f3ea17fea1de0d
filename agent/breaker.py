"""A circuit breaker: an LLM server that is gone is left alone for a while, so that turns do not wait for it.

Closed, every call goes through. After some calls in a row that say that the server is gone (no connection,
silence, HTTP 5xx) it opens: calls are refused at once. After a wait it is half open: one call goes through, and
what becomes of it closes it or opens it again.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from random import SystemRandom
from typing import Annotated, Literal
from weakref import WeakValueDictionary

from pydantic import BaseModel, ConfigDict, Field

from agent.errors import GenerationError, LLMPausedError, LLMResponseError, LLMSlowError, LLMUnreachableError

__all__ = ["Breaker", "BreakerLimits", "BreakerState", "breaker_of"]

BreakerState = Literal["closed", "open", "half-open"]

_SERVER_ERRORS = 500  # HTTP's: this and above
_SPREAD = 0.5  # of the wait, added at random, so that processes do not try at the same moment
_CHANCE = SystemRandom()


class BreakerLimits(BaseModel):
    """When an LLM server counts as gone, and for how long it is left alone."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    failures: Annotated[int, Field(ge=1, description="Failed calls in a row after which it is not asked.")] = 5
    wait: Annotated[float, Field(gt=0, description="Seconds until one call is tried; up to half more.")] = 10.0


class Breaker:
    """The breaker of one server. Calls may come from any thread and any event loop.

    Args:
        base: The server, for messages.
        limits: When it opens, and for how long.
        clock: Seconds that never go back.
        chance: A number in [0, 1).
    """

    def __init__(
        self,
        base: str,
        limits: BreakerLimits,
        *,
        clock: Callable[[], float] = time.monotonic,
        chance: Callable[[], float] = _CHANCE.random,
    ) -> None:
        self._base, self._limits = base, limits
        self._clock, self._chance = clock, chance
        self._lock = threading.Lock()
        self._failures = 0
        self._until: float | None = None  # when one call may be tried; None while closed
        self._trying = False

    @property
    def state(self) -> BreakerState:
        """`closed`: calls go through; `open`: none does; `half-open`: one is or may be tried."""
        with self._lock:
            if self._until is None:
                return "closed"
            return "half-open" if self._trying or self._clock() >= self._until else "open"

    @contextmanager
    def passing(self) -> Iterator[Callable[[], None]]:
        """Around one call. Gives a function to be called as soon as the server answers, before the call is over.

        A call that is cancelled says nothing of the server, nor does a short question that it is too slow for.

        Raises:
            LLMPausedError: The server is not to be asked.
        """
        tries = self._enter()

        def answered() -> None:
            self._note(tries, gone=False)

        try:
            yield answered
        except LLMSlowError:  # a short question has seconds; the reply may take a minute and come
            self._give_up(tries)
            raise
        except (GenerationError, TimeoutError) as error:
            self._note(tries, gone=_gone(error))
            raise
        except BaseException:  # cancelled, or a fault of ours: it says nothing of the server
            self._give_up(tries)
            raise
        self._note(tries, gone=False)

    def _enter(self) -> bool:
        """Whether this call is the one that is tried while the breaker is open."""
        with self._lock:
            if self._until is None:
                return False
            left = self._until - self._clock()
            if left > 0 or self._trying:
                raise LLMPausedError(
                    f"The LLM server at {self._base} failed {self._failures} times in a row and is left alone"
                    f"{f' for another {left:.0f} s' if left > 0 else ' while one call tries it'}. "
                    "`heartline doctor` checks it."
                )
            self._trying = True
            return True

    def _note(self, tries: bool, *, gone: bool) -> None:  # noqa: FBT001 - private
        with self._lock:
            if self._until is not None and not (tries and self._trying):
                return  # a call of before it opened; the one that is tried decides
            if not gone:
                self._failures, self._until, self._trying = 0, None, False
                return
            self._failures += 1
            if tries or self._failures >= self._limits.failures:
                self._until = self._clock() + self._limits.wait * (1 + _SPREAD * self._chance())
                self._trying = False

    def _give_up(self, tries: bool) -> None:  # noqa: FBT001 - private
        with self._lock:
            if tries and self._until is not None:
                self._trying = False


def _gone(error: GenerationError | TimeoutError) -> bool:
    """Whether an error says that the server is gone. Any other answer, be it a refusal, says that it is there."""
    if isinstance(error, LLMResponseError):
        return error.status is not None and error.status >= _SERVER_ERRORS
    return isinstance(error, LLMUnreachableError | TimeoutError)


_known: WeakValueDictionary[tuple[str, BreakerLimits], Breaker] = WeakValueDictionary()
_known_lock = threading.Lock()


def breaker_of(base: str, limits: BreakerLimits) -> Breaker:
    """The breaker of a server in this process, one for all that ask it. It goes with the last of them.

    Args:
        base: Base URL without credentials and query.
        limits: Those who set other limits have a breaker of their own.
    """
    with _known_lock:
        found = _known.get((base, limits))
        if found is None:
            found = _known[base, limits] = Breaker(base, limits)
        return found
