"""How often and how many at once: for each key, for each tenant, and for whoever tries keys that open nothing.

All of it is counted in memory, by each process for itself: a request costs no round trip to anywhere, and several
processes together let through as many times as much.
"""

from __future__ import annotations

import ipaddress
import math
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from agent.access import KeyLimits
from agent.api_keys import ApiKey
from ui.http.errors import ApiError

__all__ = ["Allowance", "Meter", "Metered", "WrongKeys", "as_duration"]

_MOST_KNOWN = 10_000
_AT_ONCE_WAIT = 1  # seconds: nobody knows when one of them ends


@dataclass(slots=True)
class _Bucket:
    """A token bucket, as full as it may be at first, and how many run."""

    allowance: float
    latest: float
    running: int = 0

    def left(self, now: float, per_minute: int) -> float:
        return min(per_minute, self.allowance + max(0.0, now - self.latest) * per_minute / 60)

    def take(self, now: float, per_minute: int) -> None:
        self.allowance, self.latest = max(0.0, self.left(now, per_minute) - 1), now


class _Buckets:
    """Buckets by name. Of more than `most`, those that were not used for longest begin anew."""

    def __init__(self, most: int = _MOST_KNOWN) -> None:
        self._most = most
        self._known: OrderedDict[str, _Bucket] = OrderedDict()

    def of(self, name: str, now: float, per_minute: int) -> _Bucket:
        found = self._known.get(name)
        if found is None:
            found = self._known[name] = _Bucket(float(per_minute), now)
            while len(self._known) > self._most:
                idle = next((each for each, bucket in self._known.items() if not bucket.running), None)
                if idle is None or idle == name:
                    break
                del self._known[idle]
        self._known.move_to_end(name)
        return found

    def __len__(self) -> int:
        return len(self._known)


@dataclass(slots=True)
class _Share:
    """What one limit leaves of a minute, and how many run."""

    bucket: _Bucket
    per_minute: int
    concurrent: int
    whose: str

    def left(self, now: float) -> float:
        return self.bucket.left(now, self.per_minute)


@dataclass(slots=True)
class Allowance:
    """What a request takes of the limits.

    Attributes:
        refusal: Why it is not let in; None where it is.
        headers: `x-ratelimit-…`, as OpenAI writes them, for the answer.
    """

    refusal: ApiError | None = None
    headers: dict[str, str] = field(default_factory=dict)
    _shares: tuple[_Share, ...] = ()
    _holding: bool = False

    def enter(self, now: float) -> None:
        """Take one request, though nothing be left."""
        self.refusal, self._holding = None, True
        for share in self._shares:
            share.bucket.take(now, share.per_minute)
            share.bucket.running += 1

    def leave(self) -> None:
        """The request has been answered. A second time changes nothing."""
        if self._holding:
            self._holding = False
            for share in self._shares:
                share.bucket.running -= 1


class Meter:
    """Counts the requests of keys and tenants. For one event loop.

    Args:
        clock: Seconds that never go back.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._keys, self._tenants = _Buckets(), _Buckets()

    def take(self, key: ApiKey, limits: KeyLimits) -> Allowance:
        """What becomes of one more request with a key. What is refused takes nothing.

        Args:
            key: With limits of its own, or None there.
            limits: Where it has none, and for its tenant.
        """
        now = self._clock()
        per_minute, concurrent = key.per_minute or limits.per_minute, key.concurrent or limits.concurrent
        own = self._keys.of(key.id, now, per_minute)
        whole = self._tenants.of(key.tenant, now, limits.tenant_per_minute)
        shares = (
            _Share(own, per_minute, concurrent, "with this key"),
            _Share(whole, limits.tenant_per_minute, limits.tenant_concurrent, "of this tenant"),
        )
        allowance = Allowance(_refusal(shares, now), {}, shares)
        if allowance.refusal is None:
            allowance.enter(now)
        allowance.headers = _told(min(shares, key=lambda share: share.left(now)), now)
        return allowance

    def spare(self, allowance: Allowance) -> None:
        """Let a request in that was refused."""
        allowance.enter(self._clock())


class WrongKeys:
    """Counts keys that open nothing, by the client's address. Safe for threads.

    A key has 256 random bits, so that nobody finds one by trying: this keeps the store from being asked, and a
    front end with a key that was revoked from going on for ever. Of more than 10,000 addresses the oldest are
    forgotten.

    Args:
        clock: Seconds that never go back.
        most: Addresses that are known.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic, *, most: int = _MOST_KNOWN) -> None:
        self._clock, self._lock = clock, threading.Lock()
        self._known = _Buckets(most)

    def check(self, address: str, per_minute: int) -> None:
        """Refuse to look at another key.

        Raises:
            ApiError: Too many of this address opened nothing.
        """
        with self._lock:
            now = self._clock()
            left = self._known.of(_network(address), now, per_minute).left(now, per_minute)
        if left < 1:
            wait = math.ceil((1 - left) * 60 / per_minute)
            raise ApiError(
                429,
                f"Too many keys that open nothing came from this address. Try again in {wait} s.",
                code="too_many_wrong_keys",
                headers={"Retry-After": str(wait)},
            )

    def note(self, address: str, per_minute: int) -> None:
        """One more opened nothing."""
        with self._lock:
            now = self._clock()
            self._known.of(_network(address), now, per_minute).take(now, per_minute)

    def __len__(self) -> int:
        return len(self._known)


class Metered:
    """An ASGI application around another one: gives back what a request took once it is answered, a stream at its
    end, and tells of the limits.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        state = scope.setdefault("state", {})
        state["allowance"] = None

        async def sending(message: Message) -> None:
            allowance: Allowance | None = state["allowance"]
            if allowance is not None and message["type"] == "http.response.start":
                told = [(name.encode(), value.encode()) for name, value in allowance.headers.items()]
                message["headers"] = [*message.get("headers", ()), *told]
            await send(message)

        try:
            await self._app(scope, receive, sending)
        finally:
            if state["allowance"] is not None:
                state["allowance"].leave()


def as_duration(seconds: float) -> str:
    """A duration as OpenAI writes it in headers: `12ms`, `8.64s`, `6m0s`."""
    milliseconds = max(0, math.ceil(seconds * 1000))
    if milliseconds < 1000:  # noqa: PLR2004
        return f"{milliseconds}ms"
    minutes, rest = divmod(milliseconds, 60_000)
    return f"{f'{minutes}m' if minutes else ''}{rest / 1000:g}s"


def _told(share: _Share, now: float) -> dict[str, str]:
    left = share.left(now)
    full_in = (share.per_minute - left) * 60 / share.per_minute
    return {
        "x-ratelimit-limit-requests": str(share.per_minute),
        "x-ratelimit-remaining-requests": str(math.floor(left)),
        "x-ratelimit-reset-requests": as_duration(full_in),
    }


def _refusal(shares: tuple[_Share, ...], now: float) -> ApiError | None:
    for share in shares:
        if share.bucket.running >= share.concurrent:
            return _too_many(
                f"{share.concurrent:,} requests {share.whose} are being answered, which is the limit.",
                _AT_ONCE_WAIT,
                "too_many_at_once",
            )
        if (left := share.left(now)) < 1:
            wait = math.ceil((1 - left) * 60 / share.per_minute)
            return _too_many(
                f"More than {share.per_minute:,} requests a minute came {share.whose}.",
                wait,
                "rate_limit_exceeded",
            )
    return None


def _too_many(message: str, wait: int, code: str) -> ApiError:
    said = f"{message} It was not taken in: send it again in {wait} s."
    return ApiError(429, said, code=code, headers={"Retry-After": str(wait)})


def _network(address: str) -> str:
    """The address; of IPv6 the network that one customer usually has whole."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address[:64]
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.ipv4_mapped is not None:
            return str(parsed.ipv4_mapped)
        return str(ipaddress.ip_network((parsed, 64), strict=False))
    return str(parsed)
