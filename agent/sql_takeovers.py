"""Conversations that people take over, in an SQL database, and the queue of packets for them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa

from agent.decisions import Contact
from agent.migrations import utc_now
from agent.repeats import Request
from agent.request_rows import done_before, keep_request
from agent.safety.called import Called
from agent.safety.delivery import HandoffState, QueuedHandoff
from agent.safety.human_acts import Act, HumanAct, Takeovers
from agent.sql_access import SQLAccess
from agent.sql_acts import acts_in
from agent.sql_called import called_in, newest_called
from agent.sql_people import claim, contact_of, keep_contact, queued_in, settle
from agent.sql_tables import ACTS, TURNS, Key
from agent.store_checks import in_utc

__all__ = ["SQLTakeovers"]


class SQLTakeovers(Takeovers, SQLAccess):
    """The part of `SQLStore` that is a `TakeoverStore` and an `Outbox`."""

    def held_by(self, conversation_id: str) -> str | None:
        """See `TakeoverStore`."""
        contact = self._read(lambda connection: contact_of(connection, self._key(conversation_id)))
        return None if contact is None else contact.held_by

    def human_acts(self, conversation_id: str) -> tuple[HumanAct, ...]:
        """See `TakeoverStore`."""
        return self._read(lambda connection: acts_in(connection, self._key(conversation_id)))

    def claim(self, now: datetime, *, until: datetime) -> QueuedHandoff | None:
        """See `agent.safety.delivery.Outbox`."""
        return self._write(lambda connection: claim(connection, self.tenant, in_utc(now), until=in_utc(until)))

    def settle(
        self, handoff_id: str, state: HandoffState, *, next_try: datetime, problem: str | None = None
    ) -> None:
        """See `agent.safety.delivery.Outbox`."""
        due = in_utc(next_try)
        self._write(
            lambda connection: settle(connection, self.tenant, handoff_id, state, next_try=due, problem=problem)
        )

    def handoffs(
        self, conversation_id: str | None = None, *, newest: int | None = None
    ) -> tuple[QueuedHandoff, ...]:
        """Packets that were queued and not erased with their conversation, the oldest first.

        Args:
            conversation_id: Those of one conversation; None: of all.
            newest: So many of them at most, the newest; None: all.
        """
        return self._read(lambda connection: queued_in(connection, self.tenant, conversation_id, newest=newest))

    def called(self, *, newest: int) -> tuple[Called, ...]:
        """The conversations that a person was last called for, the newest first.

        Args:
            newest: So many at most. Others are not looked at, however many there are.
        """
        return self._read(lambda connection: newest_called(connection, self.tenant, most=newest))

    def called_in(self, conversation_id: str) -> Called | None:
        """How a conversation stands that a person was called for; None where nobody was, or there is none."""
        return self._read(lambda connection: called_in(connection, self._key(conversation_id)))

    def _act(self, conversation_id: str, act: Act, request: Request | None = None) -> bool:
        key = self._key(conversation_id)

        def work(connection: sa.Connection) -> bool:
            self._lock(connection, key)
            if request is not None and done_before(connection, key, request):
                return False
            contact, done = act(contact_of(connection, key) or Contact())
            keep_contact(connection, key, contact)
            if done is not None:
                connection.execute(sa.insert(ACTS).values(_row(connection, key, done)))
            if request is not None:
                keep_request(connection, key, "", request)
            return True

        return self._write(work)


def _row(connection: sa.Connection, key: Key, done: HumanAct) -> dict[str, Any]:
    def next_of(column: sa.ColumnClause[Any], table: sa.TableClause) -> int:
        newest = sa.select(sa.func.coalesce(sa.func.max(column), -1)).where(key.rows(table))
        found: int = connection.execute(newest).scalar_one()
        return found + 1

    return {
        "tenant": key.tenant,
        "conversation_id": key.id,
        "number": next_of(ACTS.c.number, ACTS),
        "name": done.by,
        "did": done.did,
        "turns": next_of(TURNS.c.position, TURNS),
        "words": done.words,
        "created_at": utc_now(),
    }
