"""How long conversations are kept, tenant by tenant, and the work of erasing what was kept long enough."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

from agent.errors import HeartlineError, StoreError
from agent.protocols import ConversationStore
from agent.settings import Settings

__all__ = ["Expired", "RetentionStore", "days_of", "expire_each", "kept_days"]

_EVERYBODY_ELSE = "*"
"""In `retention.tenants`: whoever is not named there."""


class RetentionStore(ConversationStore, Protocol):
    """A store that can tell what `expire` would erase. Ours can."""

    def due(self, before: datetime) -> tuple[str, ...]:
        """Ids of the conversations that `expire` would erase, the one last used first."""
        ...


@dataclass(frozen=True, slots=True)
class Expired:
    """What became of one tenant's old conversations.

    Attributes:
        tenant: Whose.
        days: Without use, after which they go.
        conversations: How many were erased, or would be; None where that failed.
        problem: Why it failed; None where it did not.
    """

    tenant: str
    days: int
    conversations: int | None
    problem: str | None = None


def days_of(tenant: str, settings: Settings) -> int | None:
    """Days without use after which a tenant's conversations are erased; None: they are kept.

    What `retention.tenants` says of a tenant comes first; then `retention_days`, which is that of the setting
    `tenant` alone; then what `retention.tenants` says of `"*"`.
    """
    named: Mapping[str, int] = settings.retention.tenants
    own = settings.retention_days if tenant == settings.tenant else None
    return named.get(tenant, own if own is not None else named.get(_EVERYBODY_ELSE))


def kept_days(store: Any, settings: Settings) -> dict[str, int]:
    """For each tenant with conversations that are not kept for ever: how many days without use.

    Args:
        store: Of any tenant. One that keeps no tenants apart counts as that of the setting `tenant`.
        settings: With `retention_days`, `retention` and `tenant`.

    Raises:
        StoreError: The store cannot be read.
    """
    everybody = store.tenants() if hasattr(store, "tenants") else (settings.tenant,)
    found = {tenant: days_of(tenant, settings) for tenant in everybody}
    return {tenant: days for tenant, days in found.items() if days is not None}


def expire_each(store: Any, days: Mapping[str, int], now: datetime, *, dry_run: bool = False) -> Iterator[Expired]:
    """Erase what was not used for so long, one tenant after the other. One that fails does not keep the others.

    Args:
        store: Of any tenant.
        days: By tenant.
        now: The time, with its zone.
        dry_run: Only count.
    """
    for tenant, number in sorted(days.items()):
        try:
            theirs = store.for_tenant(tenant) if hasattr(store, "for_tenant") else store
            before = now - timedelta(days=number)
            gone = theirs.due(before) if dry_run else theirs.expire(before)
        except HeartlineError as error:
            yield Expired(tenant, number, None, str(error))
        except Exception as error:  # noqa: BLE001 - a stranger's store; its error may quote a person
            yield Expired(tenant, number, None, type(error).__name__)
        else:
            yield Expired(tenant, number, len(gone))
    if not dry_run and (leases := getattr(store, "leases", None)) is not None:
        try:
            leases.sweep()
        except StoreError:  # the next round sweeps
            return
