"""Packets over HTTP, signed, and how whoever receives them checks that.

A request carries, beside the packet:

    Idempotency-Key          the id of the packet: the same for every try
    Heartline-Timestamp      seconds since 1970 when this try was signed
    Heartline-Signature      "v1=" and the HMAC-SHA256 of timestamp, "." and body, in hexadecimal digits
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import time
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any, Self

from agent.addresses import web_parts
from agent.certificates import authorities
from agent.errors import DeliveryError, SettingsError
from agent.safety.handoff import HandoffPacket

if TYPE_CHECKING:
    import httpx2

__all__ = ["TOLERANCE", "Webhook", "sign", "verify_signature"]

TOLERANCE = 300.0
"""Seconds that a signature may be old or, where clocks differ, new."""

_SHORTEST = 16  # characters of a secret: a shorter one can be guessed


class Webhook:
    """Sends packets to one address, and nowhere else: no proxy of the environment, no redirect.

    Within `async with` packets go over one client, which belongs to the running event loop and is closed at the
    end; several may be sent at a time. Outside of it each packet has a client of its own.

    Args:
        url: Where to. Without a user and password: the signature says who sends.
        secret: Shared with the receiver; at least 16 characters.
        timeout: Seconds for one try.
        clock: Tells the time, in seconds since 1970.

    Raises:
        SettingsError: Address or secret is unusable. Neither is in the message.
    """

    def __init__(
        self, url: str, secret: str, *, timeout: float = 10.0, clock: Callable[[], float] = time.time
    ) -> None:
        parts = web_parts(url)
        if parts is None or "@" in parts.netloc:
            raise SettingsError(
                "Setting `handoff_url` (HEARTLINE_HANDOFF_URL) is not a usable web address. Write it like "
                "`https://desk.example/handoffs`, without a user and password."
            )
        if len(secret) < _SHORTEST:
            raise SettingsError(
                f"Setting `handoff_secret` (HEARTLINE_HANDOFF_SECRET) needs {_SHORTEST} characters or more. "
                "`python -c 'import secrets; print(secrets.token_hex(32))'` makes one."
            )
        self._url, self._secret, self._timeout, self._clock = url, secret, timeout, clock
        self._http: httpx2.AsyncClient | None = None

    async def __aenter__(self) -> Self:
        self._http = self._client()
        return self

    async def __aexit__(self, *_: object) -> None:
        http, self._http = self._http, None
        if http is not None:
            await http.aclose()

    def _client(self) -> httpx2.AsyncClient:
        import httpx2

        return httpx2.AsyncClient(
            verify=authorities(), trust_env=False, follow_redirects=False, timeout=self._timeout
        )

    @classmethod
    def from_settings(cls, settings: Any) -> Self:
        """To where `handoff_url` names.

        Raises:
            SettingsError: `handoff_url` or `handoff_secret` is missing or unusable.
        """
        for name in ("handoff_url", "handoff_secret"):
            if getattr(settings, name) is None:
                raise SettingsError(
                    f"Packets are sent once `{name}` (HEARTLINE_{name.upper()}) is set. It is not."
                )
        return cls(settings.handoff_url, settings.handoff_secret.get_secret_value())

    async def send(self, packet: HandoffPacket) -> None:
        """Send it once.

        Raises:
            DeliveryError: It was not taken. Neither the packet nor the answer is in the error.
        """
        import httpx2

        body = packet.as_json()
        headers = {
            "content-type": "application/json",
            "idempotency-key": packet.id,
            **sign(body, self._secret, self._clock()),
        }
        try:
            async with AsyncExitStack() as stack:
                await stack.enter_async_context(asyncio.timeout(self._timeout))
                http = self._http
                if http is None:
                    http = await stack.enter_async_context(self._client())
                posted = http.stream("POST", self._url, content=body, headers=headers)
                status = (await stack.enter_async_context(posted)).status_code  # the body is not read
        except (httpx2.HTTPError, OSError, TimeoutError) as error:  # without its cause, which knows the request
            raise DeliveryError(type(error).__name__) from None
        if not httpx2.codes.is_success(status):
            raise DeliveryError(f"HTTP {status}")


def sign(body: bytes, secret: str, now: float) -> dict[str, str]:
    """The headers that vouch for a body.

    Args:
        body: As it is sent.
        secret: Shared with the receiver.
        now: Seconds since 1970.
    """
    timestamp = str(int(now))
    return {"heartline-timestamp": timestamp, "heartline-signature": f"v1={_digest(body, secret, timestamp)}"}


def verify_signature(
    body: bytes, headers: Mapping[str, str], secret: str, now: float, tolerance: float = TOLERANCE
) -> bool:
    """Whether a request came from somebody who knows the secret, unaltered, and not long ago. For receivers.

    Within the tolerance the same request can come twice: keep the ids of packets, and take each once.

    Args:
        body: As it came in, before anything parsed it.
        headers: Of the request; the case of their names does not count.
        secret: Shared with the sender.
        now: Seconds since 1970.
        tolerance: Seconds that the timestamp may differ from `now`.
    """
    named = {name.lower(): value for name, value in headers.items()}
    timestamp, signature = named.get("heartline-timestamp", ""), named.get("heartline-signature", "")
    if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) < 16):  # noqa: PLR2004 - far beyond any date
        return False
    if not abs(now - int(timestamp)) <= tolerance:
        return False
    expected = f"v1={_digest(body, secret, timestamp)}"
    return hmac.compare_digest(expected.encode(), signature.encode("utf-8", "replace"))


def _digest(body: bytes, secret: str, timestamp: str) -> str:
    return hmac.new(secret.encode(), timestamp.encode() + b"." + body, hashlib.sha256).hexdigest()
