"""API keys of a server: each opens the conversations of one tenant. They lie beside the conversations, as hashes.

A key is 256 random bits, so that its hash needs no salt and no slow function: nobody can try them all.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import uuid
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, Literal, get_args

import sqlalchemy as sa

from agent.errors import InputError
from agent.intake import scrub
from agent.migrations import as_kept
from agent.sql_database import Database, transaction
from agent.tenants import checked_tenant

__all__ = ["RIGHTS", "USUAL_RIGHTS", "ApiKey", "ApiKeys", "Right", "digest_of"]

_PREFIX = "hl_"
"""Every key begins with it, so that scanners of code know one where they see it."""

Right = Literal["chat", "erase", "feedback", "handoff", "metrics", "read", "tasks"]
"""What a key may do: talk and have messages read; erase conversations; rate replies; take conversations over and
see who waits for a person; see the counts of the whole server; read what is kept; have the LLM do a front end's
own tasks, which nobody reads or guards.
"""

RIGHTS: tuple[Right, ...] = get_args(Right)

USUAL_RIGHTS: tuple[Right, ...] = ("chat", "feedback", "read")
"""What a front end needs to chat."""

_LONGEST_NAME = 64
_MOST_A_MINUTE = 1_000_000
_TOLD = (
    "id",
    "tenant",
    "name",
    "created",
    "last_used",
    "revoked",
    "rights",
    "expires",
    "per_minute",
    "concurrent",
)
_KEYS = sa.table("api_keys", *map(sa.column, (*_TOLD, "hash")))
_ALL_TOLD = [_KEYS.c[name] for name in _TOLD]

# Made once: every request asks them.
_ANY = sa.select(_KEYS.c.id).limit(1)
_THIS = sa.select(*_ALL_TOLD, _KEYS.c.hash).where(_KEYS.c.hash == sa.bindparam("digest"))


@dataclass(frozen=True, slots=True)
class ApiKey:
    """What is known of a key. The key itself is known to whoever holds it.

    Attributes:
        id: To revoke it by.
        tenant: Whose conversations it opens.
        name: What it is for; may be empty.
        created: When, in UTC.
        last_used: On which day of UTC; None: never.
        revoked: Since when it opens nothing; None: it was not revoked.
        rights: What it may do, sorted.
        expires: From when on it opens nothing, in UTC; None: it has no end.
        per_minute: Requests a minute; None: as the setting says. So with the next.
        concurrent: Requests that are answered at the same time.
    """

    id: str
    tenant: str
    name: str
    created: datetime
    last_used: date | None = None
    revoked: datetime | None = None
    rights: tuple[Right, ...] = USUAL_RIGHTS
    expires: datetime | None = None
    per_minute: int | None = None
    concurrent: int | None = None

    def expired(self, now: datetime) -> bool:
        """Whether its end has come."""
        return self.expires is not None and self.expires <= now

    def opens(self, now: datetime) -> bool:
        """Whether it opens anything."""
        return self.revoked is None and not self.expired(now)


class ApiKeys:
    """The keys in a database of conversations, those of all tenants. Safe for threads and processes.

    Args:
        database: At the newest schema.
        clock: The time, in UTC.
    """

    def __init__(self, database: Database, *, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._database, self._clock = database, clock

    def create(
        self,
        tenant: str,
        *,
        name: str = "",
        rights: Collection[str] = USUAL_RIGHTS,
        expires: datetime | None = None,
        per_minute: int | None = None,
        concurrent: int | None = None,
    ) -> tuple[str, ApiKey]:
        """A new key and what is kept of it. Show the key once: nobody can find it out again.

        Args:
            tenant: Whose conversations it opens.
            name: What it is for, at most 64 characters.
            rights: What it may do, of `RIGHTS`.
            expires: From when on it opens nothing, with its time zone; None: it has no end.
            per_minute: Requests a minute, from 1 to 1,000,000; None: as the setting says. So with the next.
            concurrent: Requests that are answered at the same time.

        Raises:
            InputError: The tenant is no name of one, the name is too long, a right is unknown or none is given,
                the end has passed, or a limit is out of its range.
            StoreError: It could not be written.
        """
        name = scrub(name).strip()
        if len(name) > _LONGEST_NAME or not name.isprintable():
            raise InputError(f"The name of a key has one line of at most {_LONGEST_NAME} characters. Shorten it.")
        if unknown := sorted(set(rights) - set(RIGHTS)):
            raise InputError(f"No right is called {unknown[0][:64]!r}. There are: {', '.join(RIGHTS)}.")
        if not rights:
            raise InputError(f"A key without a right opens nothing. Name some of: {', '.join(RIGHTS)}.")
        if expires is not None and expires <= self._clock():
            raise InputError(f"The key would have expired on {expires:%Y-%m-%d}. Name a later day.")
        for limit in (per_minute, concurrent):
            if limit is not None and not 1 <= limit <= _MOST_A_MINUTE:
                raise InputError(f"The limit of a key is {limit}; it is from 1 to {_MOST_A_MINUTE:,}.")
        secret = _PREFIX + secrets.token_urlsafe(32)
        row = {
            "id": uuid.uuid4().hex[:12],
            "tenant": checked_tenant(tenant),
            "name": name,
            "created": as_kept(self._clock()),
            "rights": ",".join(sorted(set(rights))),
            "expires": None if expires is None else as_kept(expires.astimezone(UTC)),
            "per_minute": per_minute,
            "concurrent": concurrent,
        }
        new = sa.insert(_KEYS).values(**row, hash=digest_of(secret))
        transaction(self._database, lambda connection: connection.execute(new), writing=True)
        return secret, _key({**row, "last_used": None, "revoked": None})

    def known(self) -> tuple[ApiKey, ...]:
        """All of them, those that were revoked or have expired too, the oldest first."""
        every = sa.select(*_ALL_TOLD).order_by(_KEYS.c.created, _KEYS.c.id)
        rows = transaction(self._database, lambda connection: connection.execute(every).mappings().all())
        return tuple(_key(dict(row)) for row in rows)

    def exist(self) -> bool:
        """Whether there ever was one, be it revoked or expired by now: from then on nobody comes in without."""
        return transaction(self._database, lambda connection: connection.execute(_ANY).first()) is not None

    def revoke(self, key_id: str) -> ApiKey:
        """Have a key open nothing any more, from the next request on. A second time changes nothing.

        Raises:
            InputError: There is no such key.
            StoreError: It could not be written.
        """
        now = sa.update(_KEYS).where(_KEYS.c.id == key_id, _KEYS.c.revoked.is_(None))
        now = now.values(revoked=as_kept(self._clock()))
        transaction(self._database, lambda connection: connection.execute(now), writing=True)
        found = next((key for key in self.known() if key.id == key_id), None)
        if found is None:
            raise InputError(f"No key has the id {key_id[:64]!r}. `heartline keys list` shows those there are.")
        return found

    def opened_by(self, secret: str) -> ApiKey | None:
        """The key that this is; None where it is none, was revoked or has expired.

        The day of use is noted with the first use on it, so that most requests write nothing.
        """
        this, now = {"digest": digest_of(secret)}, self._clock()
        row = transaction(
            self._database, lambda connection: connection.execute(_THIS, this).mappings().one_or_none()
        )
        # The database compared already, byte by byte, yet hashes: whoever measures how long that took learns some
        # bits of a hash, and from no bit of it a key.
        if row is None or not hmac.compare_digest(row["hash"], this["digest"]):
            return None
        key = _key(dict(row))
        if not key.opens(now):
            return None
        today = f"{now:%Y-%m-%d}"
        if row["last_used"] != today:
            noted = sa.update(_KEYS).where(_KEYS.c.hash == this["digest"]).values(last_used=today)
            transaction(self._database, lambda connection: connection.execute(noted), writing=True)
        return key


def digest_of(secret: str) -> str:
    """What is kept of a key: its SHA-256, in hex."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def _key(row: dict[str, Any]) -> ApiKey:
    used = row["last_used"]
    return ApiKey(
        row["id"],
        row["tenant"],
        row["name"],
        datetime.fromisoformat(row["created"]),
        None if used is None else date.fromisoformat(used),
        _time(row["revoked"]),
        # A right that a newer version knows is none here.
        tuple(right for right in RIGHTS if right in row["rights"].split(",")),
        _time(row["expires"]),
        row["per_minute"],
        row["concurrent"],
    )


def _time(kept: str | None) -> datetime | None:
    return None if kept is None else datetime.fromisoformat(kept)
