"""Tenants: customers of one server, say, whose conversations must not meet."""

from __future__ import annotations

import re
from typing import Protocol, Self

from agent.errors import InputError
from agent.protocols import ConversationStore

__all__ = ["TenantStore", "checked_tenant"]

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}|")


class TenantStore(ConversationStore, Protocol):
    """A store that keeps tenants apart: the customers of one server, say. All of ours are."""

    tenant: str

    def for_tenant(self, tenant: str) -> Self:
        """The conversations of a tenant, and nothing else: a store like this one that shares its connections.

        The same id in two tenants names two conversations. Another tenant's conversation is like one that does not
        exist: nothing that the store says tells them apart. Closing what this gives closes nothing else; closing
        the store that was opened closes all.

        Args:
            tenant: 1 to 64 letters of ASCII, digits, `.`, `_`, `-`; or `""`, whose conversations are those of
                whoever names no tenant.

        Raises:
            InputError: It is no such name.
        """
        ...

    def tenants(self) -> tuple[str, ...]:
        """Who has conversations here, sorted: for the operator's own work, e.g. `expire` for each."""
        ...


def checked_tenant(tenant: str) -> str:
    """The name of a tenant: letters, digits, `.`, `_`, `-`, at most 64; `""` where there is but one.

    Raises:
        InputError: It is none.
    """
    if not _NAME.fullmatch(tenant):
        raise InputError(
            f"A tenant is called {tenant[:64]!r}. A name has 1 to 64 letters of ASCII, digits, `.`, `_` and `-`, "
            "and begins with a letter or digit."
        )
    return tenant
