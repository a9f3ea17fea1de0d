"""Who asks, and what they may do. The one place where a key is looked at."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import Depends, Request, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from agent.api_keys import ApiKey, Right, digest_of
from ui.http.errors import ApiError
from ui.http.metering import Allowance, WrongKeys

if TYPE_CHECKING:
    from agent.api_keys import ApiKeys

__all__ = ["Gate", "Tenant", "authorised", "has_keys", "needs"]

_LONGEST_KEY = 256
_CHALLENGE = {"WWW-Authenticate": 'Bearer realm="heartline"'}
_bearer = HTTPBearer(auto_error=False, description="A key of `heartline keys create`.")


@dataclass(frozen=True, slots=True)
class Tenant:
    """Whom a request belongs to.

    Attributes:
        name: None: whoever the store was opened for, as nobody needs a key.
        key: With which it came; None where nobody needs one.
    """

    name: str | None
    key: ApiKey | None = None

    @property
    def who(self) -> str | None:
        """What whoever takes a conversation over with the key is called there: its name, or by its id where it has
        none; None where nobody needs a key."""
        return None if self.key is None else self.key.name.strip() or f"key {self.key.id}"

    def named(self, by: str | None) -> str:
        """What somebody who takes a conversation over is called there: with a key, nobody goes by a name alone.

        Args:
            by: As they say; a backend names its people so, who share its key.
        """
        said = (by or "").strip()
        return f"{said} ({self.who})" if said and self.who else self.who or said

    def check(self, right: Right) -> None:
        """Refuse what its key has no right to.

        Raises:
            ApiError: It has not.
        """
        if self.key is not None and right not in self.key.rights:
            raise ApiError(
                403,
                f"The key lacks the right `{right}`. Ask whoever runs the server for one that has it "
                f"(`heartline keys create --right {right}`).",
                code="right_missing",
            )


class Gate:
    """Lets those in who have a key, or everybody as long as there never was one.

    Args:
        keys: Of the store; None where it keeps none.
    """

    def __init__(self, keys: ApiKeys | None) -> None:
        self._keys, self._closed = keys, False
        self._wrong = WrongKeys()
        self._opened: set[str] = set()

    def admitted(self, *given: str | None, address: str = "", wrong_per_minute: int = 20) -> Tenant:
        """Whom a request with this key belongs to.

        Args:
            *given: What its headers `Authorization` hold; None for what is no key.
            address: Of the client.
            wrong_per_minute: Keys that open nothing which may come from it.

        Raises:
            ApiError: It has none, several, or one that opens nothing.
        """
        if self._keys is None:
            return Tenant(None)
        # A key that is made while the server runs shuts it from the next request on.
        self._closed = self._closed or self._keys.exist()
        if not self._closed:
            return Tenant(None)
        if len(given) > 1:
            raise _refusal("The header `Authorization` came twice. Send one key.")
        key = given[0] if given else None
        if key is None:
            raise _refusal("A key is needed: send `Authorization: Bearer hl_…`.")
        digest = digest_of(key)
        # Whoever was let in before is looked at whatever comes from the same address: it may be that of a proxy.
        if digest not in self._opened:
            self._wrong.check(address, wrong_per_minute)
        found = self._keys.opened_by(key) if len(key) <= _LONGEST_KEY else None
        if found is None:
            self._wrong.note(address, wrong_per_minute)
            raise _refusal("The key is not valid. Ask whoever runs the server for another one.")
        self._opened.add(digest)
        return Tenant(found.tenant, found)


async def authorised(
    request: Request, given: Annotated[HTTPAuthorizationCredentials | None, Security(_bearer)]
) -> Tenant:
    """Whom a request belongs to.

    Raises:
        ApiError: It needs a key and has none that opens anything.
    """
    service = request.app.state.service
    sent = [given.credentials if given is not None else None] * len(request.headers.getlist("authorization"))
    address = "" if request.client is None else request.client.host
    wrong: int = service.settings.key_limits.wrong_per_minute
    tenant: Tenant = await asyncio.to_thread(service.gate.admitted, *sent, address=address, wrong_per_minute=wrong)
    return tenant


def _metered(request: Request, tenant: Tenant) -> Allowance:
    """What is left for a request, which counts once, whichever of its dependencies ask."""
    if tenant.key is None:
        return Allowance()
    if request.state.allowance is None:
        service = request.app.state.service
        request.state.allowance = service.meter.take(tenant.key, service.settings.key_limits)
    allowance: Allowance = request.state.allowance
    return allowance


def needs(
    right: Right | None, *, in_any_case: bool = False
) -> Callable[[Request, Tenant], Coroutine[Any, Any, Tenant]]:
    """A dependency that tells whom a request belongs to, if it may do what it asks for.

    Args:
        right: What its key needs; None: any key will do.
        in_any_case: Let it in beyond the limits. Whoever answers then looks at `request.state.allowance`.
    """

    # As few as can be: what the framework does for five more of them is a tenth of the Python of a turn.
    async def allowed(request: Request, tenant: Annotated[Tenant, Depends(authorised)]) -> Tenant:
        allowance = _metered(request, tenant)
        if right is not None:
            tenant.check(right)
        if allowance.refusal is not None and not in_any_case:
            raise allowance.refusal
        return tenant

    return allowed


def has_keys(settings: Any) -> bool:
    """Whether the store that the settings name has a key that opens something."""
    from agent.store_url import open_store

    with closing(open_store(settings)) as store:
        keys: ApiKeys | None = getattr(store, "api_keys", None)
        return keys is not None and any(key.opens(datetime.now(UTC)) for key in keys.known())


def _refusal(message: str) -> ApiError:
    return ApiError(401, message, code="invalid_api_key", headers=_CHALLENGE)
