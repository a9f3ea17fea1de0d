"""API keys of a server: each opens the conversations of one tenant. They lie beside the conversations, as hashes.

A key is 256 random bits, so that its hash needs no salt and no slow function: nobody can try them all.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import uuid
from dataclasses import dataclass
from datetime import UTC, date, datetime

import sqlalchemy as sa

from agent.errors import InputError
from agent.intake import scrub
from agent.migrations import utc_now
from agent.sql_database import Database, transaction
from agent.tenants import checked_tenant

__all__ = ["PREFIX", "ApiKey", "ApiKeys"]

PREFIX = "hl_"
"""Every key begins with it, so that scanners of code know one where they see it."""

_LONGEST_NAME = 64
_KEYS = sa.table("api_keys", *map(sa.column, ("id", "tenant", "name", "hash", "created", "last_used", "revoked")))

# Made once: every request asks them.
_ANY = sa.select(_KEYS.c.id).limit(1)
_THIS = sa.select(_KEYS.c.tenant, _KEYS.c.hash, _KEYS.c.last_used).where(
    _KEYS.c.hash == sa.bindparam("digest"), _KEYS.c.revoked.is_(None)
)


@dataclass(frozen=True, slots=True)
class ApiKey:
    """What is known of a key. The key itself is known to whoever holds it.

    Attributes:
        id: To revoke it by.
        tenant: Whose conversations it opens.
        name: What it is for; may be empty.
        created: When, in UTC.
        last_used: On which day of UTC; None: never.
        revoked: Since when it opens nothing; None: it does.
    """

    id: str
    tenant: str
    name: str
    created: datetime
    last_used: date | None = None
    revoked: datetime | None = None


class ApiKeys:
    """The keys in a database of conversations, those of all tenants. Safe for threads and processes.

    Args:
        database: At the newest schema.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def create(self, tenant: str, *, name: str = "") -> tuple[str, ApiKey]:
        """A new key and what is kept of it. Show the key once: nobody can find it out again.

        Args:
            tenant: Whose conversations it opens.
            name: What it is for, at most 64 characters.

        Raises:
            InputError: The tenant is no name of one, or the name is too long.
            StoreError: It could not be written.
        """
        name = scrub(name).strip()
        if len(name) > _LONGEST_NAME or not name.isprintable():
            raise InputError(f"The name of a key has one line of at most {_LONGEST_NAME} characters. Shorten it.")
        secret = PREFIX + secrets.token_urlsafe(32)
        row = {"id": uuid.uuid4().hex[:12], "tenant": checked_tenant(tenant), "name": name, "created": utc_now()}
        new = sa.insert(_KEYS).values(**row, hash=_hash(secret))
        transaction(self._database, lambda connection: connection.execute(new), writing=True)
        return secret, _key({**row, "last_used": None, "revoked": None})

    def known(self) -> tuple[ApiKey, ...]:
        """All of them, those that were revoked too, the oldest first."""
        every = sa.select(*(column for column in _KEYS.c if column.name != "hash")).order_by(
            _KEYS.c.created, _KEYS.c.id
        )
        rows = transaction(self._database, lambda connection: connection.execute(every).mappings().all())
        return tuple(_key(dict(row)) for row in rows)

    def exist(self) -> bool:
        """Whether there ever was one, be it revoked by now: from then on nobody comes in without."""
        return transaction(self._database, lambda connection: connection.execute(_ANY).first()) is not None

    def revoke(self, key_id: str) -> ApiKey:
        """Have a key open nothing any more, from the next request on. A second time changes nothing.

        Raises:
            InputError: There is no such key.
            StoreError: It could not be written.
        """
        now = sa.update(_KEYS).where(_KEYS.c.id == key_id, _KEYS.c.revoked.is_(None)).values(revoked=utc_now())
        transaction(self._database, lambda connection: connection.execute(now), writing=True)
        found = next((key for key in self.known() if key.id == key_id), None)
        if found is None:
            raise InputError(f"No key has the id {key_id[:64]!r}. `heartline keys list` shows those there are.")
        return found

    def tenant_of(self, secret: str) -> str | None:
        """Whose conversations a key opens; None where it is none, or was revoked.

        The day of use is noted with the first use on it, so that most requests write nothing.
        """
        digest = _hash(secret)
        this = {"digest": digest}
        row = transaction(self._database, lambda connection: connection.execute(_THIS, this).one_or_none())
        # The database compared already, byte by byte, yet hashes: whoever measures how long that took learns some
        # bits of a hash, and from no bit of it a key.
        if row is None or not hmac.compare_digest(row.hash, digest):
            return None
        today = f"{datetime.now(UTC):%Y-%m-%d}"
        if row.last_used != today:
            noted = sa.update(_KEYS).where(_KEYS.c.hash == digest).values(last_used=today)
            transaction(self._database, lambda connection: connection.execute(noted), writing=True)
        tenant: str = row.tenant
        return tenant


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def _key(row: dict[str, str | None]) -> ApiKey:
    used, revoked = row["last_used"], row["revoked"]
    return ApiKey(
        str(row["id"]),
        str(row["tenant"]),
        str(row["name"]),
        datetime.fromisoformat(str(row["created"])),
        None if used is None else date.fromisoformat(used),
        None if revoked is None else datetime.fromisoformat(revoked),
    )
