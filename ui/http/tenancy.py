"""Who asks. The one place where a key is looked at."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import Request, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from ui.http.errors import ApiError

if TYPE_CHECKING:
    from agent.api_keys import ApiKeys

__all__ = ["Gate", "Tenant", "authorised", "has_keys"]

_LONGEST_KEY = 256
_CHALLENGE = {"WWW-Authenticate": 'Bearer realm="heartline"'}
_bearer = HTTPBearer(auto_error=False, description="A key of `heartline keys create`.")


@dataclass(frozen=True, slots=True)
class Tenant:
    """Whom a request belongs to; None: to whoever the store was opened for, as nobody needs a key."""

    name: str | None


class Gate:
    """Lets those in who have a key, or everybody as long as there never was one.

    Args:
        keys: Of the store; None where it keeps none.
    """

    def __init__(self, keys: ApiKeys | None) -> None:
        self._keys, self._closed = keys, False

    def admitted(self, key: str | None) -> Tenant:
        """Whom a request with this key belongs to.

        Raises:
            ApiError: It has none, or one that opens nothing.
        """
        if self._keys is None:
            return Tenant(None)
        # A key that is made while the server runs shuts it from the next request on.
        self._closed = self._closed or self._keys.exist()
        if not self._closed:
            return Tenant(None)
        if key is None:
            raise _refusal("A key is needed: send `Authorization: Bearer hl_…`.")
        tenant = self._keys.tenant_of(key) if len(key) <= _LONGEST_KEY else None
        if tenant is None:
            raise _refusal("The key is not valid. Ask whoever runs the server for another one.")
        return Tenant(tenant)


def authorised(
    request: Request, given: Annotated[HTTPAuthorizationCredentials | None, Security(_bearer)]
) -> Tenant:
    """Whom a request belongs to.

    Raises:
        ApiError: It needs a key and has none that opens anything.
    """
    gate: Gate = request.app.state.service.gate
    return gate.admitted(None if given is None else given.credentials)


def has_keys(settings: Any) -> bool:
    """Whether the store that the settings name has a key that opens something."""
    from agent.store_url import open_store

    with closing(open_store(settings)) as store:
        keys: ApiKeys | None = getattr(store, "api_keys", None)
        return keys is not None and any(key.revoked is None for key in keys.known())


def _refusal(message: str) -> ApiError:
    return ApiError(401, message, code="invalid_api_key", headers=_CHALLENGE)
