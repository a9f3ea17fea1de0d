"""What people have to do with conversations, as rows of an SQL database: who holds one, and packets for them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from agent.decisions import Contact
from agent.migrations import as_kept
from agent.safety.delivery import HandoffState, QueuedHandoff
from agent.sql_tables import HANDOFFS, HOLDS, Key, named_rows, new_row
from agent.turn import Turn

__all__ = [
    "CONTACT",
    "PACKET",
    "claim",
    "contact_in",
    "contact_of",
    "keep_contact",
    "packet_of_row",
    "queue",
    "queued_in",
    "settle",
]

CONTACT = (
    sa.select(HOLDS.c.held_by).where(named_rows(HOLDS)).scalar_subquery().label("held_by"),
    sa.select(HOLDS.c.untold).where(named_rows(HOLDS)).scalar_subquery().label("untold"),
    sa.select(HANDOFFS.c.state)
    .where(named_rows(HANDOFFS))
    .order_by(HANDOFFS.c.position.desc())
    .limit(1)
    .scalar_subquery()
    .label("handoff"),
)
"""Columns beside whatever else is asked of a conversation (`named_rows`)."""

_CONTACT = sa.select(*CONTACT)

PACKET = tuple(column for column in HANDOFFS.c if column.name != "tenant")


def contact_of(connection: sa.Connection, key: Key) -> Contact | None:
    """What people have to do with a conversation; None where they have nothing to."""
    return contact_in(connection.execute(_CONTACT, key._asdict()).one())


def contact_in(row: sa.Row[*tuple[Any, ...]]) -> Contact | None:
    """As `contact_of`, from a row that has the columns `CONTACT`."""
    if row.untold is None and row.handoff is None:
        return None
    return Contact(row.held_by, bool(row.untold), row.handoff)


def keep_contact(connection: sa.Connection, key: Key, contact: Contact) -> None:
    """Keep who holds a conversation, and whether that was told."""
    connection.execute(sa.delete(HOLDS).where(key.rows(HOLDS)))
    if contact.held_by is not None or contact.untold:
        kept = {"held_by": contact.held_by, "untold": int(contact.untold)}
        connection.execute(sa.insert(HOLDS).values(tenant=key.tenant, conversation_id=key.id, **kept))


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
    connection.execute(new_row(connection, HANDOFFS).values(new).on_conflict_do_nothing())
    return True


def claim(connection: sa.Connection, tenant: str, now: datetime, *, until: datetime) -> QueuedHandoff | None:
    """See `agent.safety.delivery.Outbox`."""
    due = (
        sa.select(*PACKET)
        .where(HANDOFFS.c.tenant == tenant, HANDOFFS.c.state == "queued", HANDOFFS.c.next_try <= as_kept(now))
        .order_by(HANDOFFS.c.next_try)
        .limit(1)
        .with_for_update(skip_locked=True)  # on Postgres two workers take two packets; SQLite knows one writer
    )
    row = connection.execute(due).one_or_none()
    if row is None:
        return None
    taken = {"attempts": row.attempts + 1, "next_try": as_kept(until)}
    of_it = sa.update(HANDOFFS).where(HANDOFFS.c.tenant == tenant, HANDOFFS.c.id == row.id)
    connection.execute(of_it.values(taken))
    return packet_of_row(row, **taken)


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
    this = (HANDOFFS.c.tenant == tenant, HANDOFFS.c.id == handoff_id, HANDOFFS.c.state == "queued")
    connection.execute(
        sa.update(HANDOFFS).where(*this).values(state=state, next_try=as_kept(next_try), problem=problem)
    )


def queued_in(
    connection: sa.Connection, tenant: str, conversation_id: str | None, *, newest: int | None
) -> tuple[QueuedHandoff, ...]:
    """Packets of a tenant, the oldest first.

    Args:
        connection: In a transaction.
        tenant: Whose.
        conversation_id: Of one conversation alone; None: of all.
        newest: How many at most; None: all.
    """
    mine = sa.select(*PACKET).where(HANDOFFS.c.tenant == tenant)
    if conversation_id is not None:
        mine = mine.where(HANDOFFS.c.conversation_id == conversation_id)
    rows = connection.execute(mine.order_by(HANDOFFS.c.created.desc(), HANDOFFS.c.id.desc()).limit(newest)).all()
    return tuple(map(packet_of_row, reversed(rows)))


def packet_of_row(row: sa.Row[*tuple[Any, ...]], **changed: Any) -> QueuedHandoff:
    """The packet in a row that has the columns `PACKET`, and maybe others.

    Args:
        row: As it was read.
        changed: What was written since.
    """
    kept = {column.name: getattr(row, column.name) for column in PACKET} | changed
    for name in ("created", "next_try"):
        kept[name] = datetime.fromisoformat(kept[name])
    return QueuedHandoff(**kept | {"consent": None if row.consent is None else bool(row.consent)})
