"""What people have to do with conversations, as rows of an SQL database: who holds one, and packets for them."""

from __future__ import annotations

from datetime import UTC, datetime

import sqlalchemy as sa

from agent.decisions import Contact
from agent.migrations import as_kept
from agent.safety.delivery import HandoffState, QueuedHandoff
from agent.sql_turns import CONVERSATIONS, Key, new_row
from agent.turn import Turn

__all__ = ["claim", "contact_of", "keep_contact", "queue", "queued_in", "settle"]

_holds = sa.table("holds", *map(sa.column, ("tenant", "conversation_id", "held_by", "untold")))
_handoffs = sa.table(
    "handoffs",
    sa.column("tenant"),
    *map(sa.column, ("id", "conversation_id", "position", "created", "reason", "consent")),
    *map(sa.column, ("state", "attempts", "next_try", "problem")),
)


_CONTACT = (
    sa.select(
        _holds.c.held_by,
        _holds.c.untold,
        sa.select(_handoffs.c.state)
        .where(_handoffs.c.tenant == CONVERSATIONS.c.tenant, _handoffs.c.conversation_id == CONVERSATIONS.c.id)
        .order_by(_handoffs.c.position.desc())
        .limit(1)
        .scalar_subquery()
        .label("state"),
    )
    .select_from(
        CONVERSATIONS.outerjoin(
            _holds,
            sa.and_(_holds.c.tenant == CONVERSATIONS.c.tenant, _holds.c.conversation_id == CONVERSATIONS.c.id),
        )
    )
    .where(CONVERSATIONS.c.tenant == sa.bindparam("tenant"), CONVERSATIONS.c.id == sa.bindparam("id"))
)
"""Made once: making it anew for each turn takes as long as running it."""

_PACKET = tuple(column for column in _handoffs.c if column.name != "tenant")


def contact_of(connection: sa.Connection, key: Key) -> Contact | None:
    """What people have to do with a conversation; None where they have nothing to."""
    found = connection.execute(_CONTACT, key._asdict()).one_or_none()
    if found is None or (found.untold is None and found.state is None):
        return None
    return Contact(found.held_by, bool(found.untold), found.state)


def keep_contact(connection: sa.Connection, key: Key, contact: Contact) -> None:
    """Keep who holds a conversation, and whether that was told."""
    connection.execute(sa.delete(_holds).where(key.rows(_holds)))
    if contact.held_by is not None or contact.untold:
        kept = {"held_by": contact.held_by, "untold": int(contact.untold)}
        connection.execute(sa.insert(_holds).values(tenant=key.tenant, conversation_id=key.id, **kept))


def queue(connection: sa.Connection, tenant: str, turn: Turn) -> bool:
    """Queue the packet that a stored turn asks for, once. Whether there was one to queue."""
    if turn.handoff is None:
        return False
    now = as_kept(datetime.now(UTC))
    consent = turn.handoff.consent
    new = {
        "tenant": tenant,
        "id": turn.id,
        "conversation_id": turn.conversation_id,
        "position": turn.index,
        "created": now,
        "reason": turn.handoff.reason,
        "consent": None if consent is None else int(consent),
        "state": "queued",
        "attempts": 0,
        "next_try": now,
    }
    connection.execute(new_row(connection, _handoffs).values(new).on_conflict_do_nothing())
    return True


def claim(connection: sa.Connection, tenant: str, now: datetime, *, until: datetime) -> QueuedHandoff | None:
    """See `agent.safety.delivery.Outbox`."""
    due = (
        sa.select(*_PACKET)
        .where(_handoffs.c.tenant == tenant, _handoffs.c.state == "queued", _handoffs.c.next_try <= as_kept(now))
        .order_by(_handoffs.c.next_try)
        .limit(1)
        .with_for_update(skip_locked=True)  # on Postgres two workers take two packets; SQLite knows one writer
    )
    row = connection.execute(due).one_or_none()
    if row is None:
        return None
    taken = {"attempts": row.attempts + 1, "next_try": as_kept(until)}
    of_it = sa.update(_handoffs).where(_handoffs.c.tenant == tenant, _handoffs.c.id == row.id)
    connection.execute(of_it.values(taken))
    return _queued({**row._mapping, **taken})  # noqa: SLF001 - the public name of a row's fields


def settle(
    connection: sa.Connection,
    tenant: str,
    handoff_id: str,
    state: HandoffState,
    *,
    next_try: datetime,
    problem: str | None,
) -> None:
    """See `agent.safety.delivery.Outbox`."""
    this = (_handoffs.c.tenant == tenant, _handoffs.c.id == handoff_id, _handoffs.c.state == "queued")
    connection.execute(
        sa.update(_handoffs).where(*this).values(state=state, next_try=as_kept(next_try), problem=problem)
    )


def queued_in(connection: sa.Connection, tenant: str) -> tuple[QueuedHandoff, ...]:
    """Every packet of a tenant, the oldest first."""
    mine = sa.select(*_PACKET).where(_handoffs.c.tenant == tenant)
    rows = connection.execute(mine.order_by(_handoffs.c.created, _handoffs.c.id))
    return tuple(_queued(dict(row._mapping)) for row in rows)  # noqa: SLF001


def _queued(row: dict[str, object]) -> QueuedHandoff:
    consent = row["consent"]
    times = {name: datetime.fromisoformat(str(row[name])) for name in ("created", "next_try")}
    return QueuedHandoff(**{**row, **times, "consent": None if consent is None else bool(consent)})  # type: ignore[arg-type]
