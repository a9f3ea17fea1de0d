"""Conversations in an SQL database: one store over SQLite (`memory_sqlite`) and Postgres (`memory_postgres`).

What is promised: a turn is stored whole or not at all. Two turns of one conversation get two places, whichever
threads, processes or machines they come from, and a place is final once `append` returned. The rows of a tenant
are seen by that tenant's store alone.
"""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from typing import Self

import sqlalchemy as sa

from agent.api_keys import ApiKeys
from agent.decisions import Contact
from agent.errors import StoreError
from agent.feedback import Feedback, checked_feedback
from agent.feedback_rows import feedback_of, keep_feedback
from agent.leases import Leases
from agent.memory import said_in
from agent.migrations import MIGRATIONS, migrate, schema_version
from agent.protocols import Recalled
from agent.repeats import Answered, Request
from agent.request_rows import answered_in, keep_request
from agent.retention_rows import due_in, expire_in_parts
from agent.safety.counters import Counts, counted
from agent.safety.takeover import told
from agent.sql_database import Database
from agent.sql_listing import conversations_in, last_use_of
from agent.sql_people import keep_contact, queue
from agent.sql_tables import CONVERSATIONS, TURNS
from agent.sql_takeovers import SQLTakeovers
from agent.sql_turns import (
    SAID,
    count,
    counts_in,
    erase,
    forget_profile,
    insert_turn,
    newest_of,
    said_in_row,
    turns_of,
)
from agent.store_checks import check_limit, in_utc
from agent.tenants import checked_tenant
from agent.turn import Turn

__all__ = ["SQLStore"]

_SAME_ID = sa.select(TURNS.c.conversation_id, *SAID).where(
    TURNS.c.tenant == sa.bindparam("tenant"), TURNS.c.turn_id == sa.bindparam("turn")
)


class SQLStore(SQLTakeovers):
    """A `RepeatStore`, `TakeoverStore`, `TenantStore`, `FeedbackStore`, `RetentionStore` and `Outbox`.

    Safe for threads and processes.

    Args:
        database: Where. It is brought to the newest schema.
        tenant: Whose conversations.

    Raises:
        StoreError: It cannot be opened or made, is no database of ours, or is newer than this code.
    """

    def __init__(self, database: Database, *, tenant: str = "") -> None:
        super().__init__(database, tenant=tenant)
        try:
            if self._read(schema_version) < len(MIGRATIONS):
                self._write(migrate)
        except BaseException:  # interrupted, too: no connection stays open
            self.close()
            raise

    @property
    def api_keys(self) -> ApiKeys:
        """Keys of a server to conversations here, those of all tenants."""
        self._check_open()
        return ApiKeys(self._database)

    @property
    def leases(self) -> Leases:
        """What one process at a time may do here, for any tenant."""
        self._check_open()
        return Leases(self._database)

    def for_tenant(self, tenant: str) -> Self:
        """See `TenantStore`. The view shares connections; closing it closes nothing else."""
        view = type(self).__new__(type(self))
        vars(view).update(vars(self), tenant=checked_tenant(tenant), _is_view=True)
        return view

    def tenants(self) -> tuple[str, ...]:
        """See `TenantStore`."""
        every = sa.select(CONVERSATIONS.c.tenant).distinct().order_by(CONVERSATIONS.c.tenant)
        return self._read(lambda connection: tuple(connection.execute(every).scalars()))

    def recall(self, conversation_id: str, *, turns: int) -> Recalled:
        """See `ConversationStore`. A turn without a state leaves the state as it was."""
        if turns < 0:
            raise StoreError(f"`turns` is {turns}; it is 0 or more.")
        key = self._key(conversation_id)
        return self._read(lambda connection: newest_of(connection, key, turns=turns))

    def append(self, turn: Turn, *, request: Request | None = None) -> Turn:
        """See `RepeatStore`. The same turn again is not stored twice.

        Raises:
            StoreError: It could not be written, or another turn has the same id.
        """
        key = self._key(turn.conversation_id)

        def work(connection: sa.Connection) -> Turn:
            row = connection.execute(_SAME_ID, {"tenant": self.tenant, "turn": turn.id}).one_or_none()
            if row is None:
                stored = self._insert(connection, turn)
                if request is not None:
                    keep_request(connection, key, turn.id, request)
                return stored
            if row.conversation_id != turn.conversation_id or said_in_row(row) != said_in(turn):
                raise StoreError(f"Another turn is stored under id {turn.id!r}. Give every turn its own id.")
            # A write that was tried again.
            return next(each for each in turns_of(connection, key) if each.id == turn.id)

        stored = self._write(work)
        self._database.appended()
        return stored

    def _insert(self, connection: sa.Connection, turn: Turn) -> Turn:
        key = self._key(turn.conversation_id)
        stored, before = insert_turn(connection, self.tenant, turn)
        contact = before.contact or Contact()
        if (after := told(contact, turn)) != contact:
            keep_contact(connection, key, after)
        # Counts last: every turn of the tenant writes the same row, and on Postgres waits for it.
        queued = queue(connection, self.tenant, stored)
        count(connection, self.tenant, counted(turn) + Counter(handoff=int(queued)))
        return stored

    def answered(self, conversation_id: str, key: str) -> Answered | None:
        """See `RepeatStore`."""
        return self._read(lambda connection: answered_in(connection, self._key(conversation_id), key))

    def turns(
        self, conversation_id: str, *, limit: int | None = None, before: int | None = None
    ) -> tuple[Turn, ...]:
        """See `ConversationStore`."""
        check_limit(limit)
        key = self._key(conversation_id)
        turns = self._read(lambda connection: turns_of(connection, key, limit=limit, before=before))
        if not turns and not self.recall(conversation_id, turns=0).turns:
            raise self._unknown(conversation_id)
        return turns

    def conversations(
        self, *, beginning: str = "", limit: int | None = None, after: str | None = None
    ) -> tuple[str, ...]:
        """See `ConversationStore`."""
        check_limit(limit)

        def work(connection: sa.Connection) -> tuple[str, ...]:
            used = None
            if after is not None and (used := last_use_of(connection, self._key(after))) is None:
                raise self._unknown(after)
            return conversations_in(connection, self.tenant, beginning, limit=limit, after=used)

        return self._read(work)

    def counts(self) -> Counts:
        """How often something happened; erasing changes none of it."""
        return self._read(lambda connection: counts_in(connection, self.tenant))

    def rate(self, conversation_id: str, feedback: Feedback) -> None:
        """See `agent.feedback.FeedbackStore`."""
        key, checked = self._key(conversation_id), checked_feedback(feedback)

        def work(connection: sa.Connection) -> None:
            self._lock(connection, key)
            keep_feedback(connection, key, checked)

        self._write(work)

    def feedback(self, conversation_id: str) -> tuple[Feedback, ...]:
        """See `agent.feedback.FeedbackStore`."""
        return self._read(lambda connection: feedback_of(connection, self._key(conversation_id)))

    def forget_profile(self, conversation_id: str) -> None:
        """See `ConversationStore`."""
        key = self._key(conversation_id)

        def work(connection: sa.Connection) -> None:
            self._lock(connection, key)
            forget_profile(connection, key)

        self._write(work)
        self._database.erased()

    def erase(self, conversation_id: str) -> int:
        """See `ConversationStore`."""
        key = self._key(conversation_id)

        def work(connection: sa.Connection) -> int:
            self._lock(connection, key)
            turns = sa.select(sa.func.count()).select_from(TURNS).where(key.rows(TURNS))
            number: int = connection.execute(turns).scalar_one()
            erase(connection, self.tenant, CONVERSATIONS.c.id == conversation_id)
            return number

        erased = self._write(work)
        self._database.erased()
        return erased

    def expire(self, before: datetime) -> tuple[str, ...]:
        """See `ConversationStore`. In small parts, with room in between for whoever else writes."""
        return expire_in_parts(self._write, self.tenant, in_utc(before), self._database.erased)

    def due(self, before: datetime) -> tuple[str, ...]:
        """See `RetentionStore`."""
        return self._read(lambda connection: due_in(connection, self.tenant, in_utc(before)))

    def close(self) -> None:
        """See `ConversationStore`. The store that was opened closes its views too."""
        self._closed = True
        if not self._is_view:
            self._database.close()
