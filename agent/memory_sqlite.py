"""Conversations in one SQLite file that several processes may share.

What is promised: a turn is stored whole or not at all, and a turn that `append` returned survives
the death of the process (`kill -9`). It survives a loss of power too, as far as the disk keeps what
it was told to flush: `synchronous=FULL` flushes once per turn, some milliseconds beside a reply that
takes seconds. Conversations are private: a new folder gets mode 0700 and a new file 0600, where the
operating system knows modes. The file must lie on a local disk: its log does not work on a network.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError

from agent.decisions import Contact
from agent.errors import StoreError, UnknownConversationError
from agent.feedback import Feedback, checked_feedback, unknown_turn
from agent.feedback_rows import feedback_of, keep_feedback
from agent.memory import in_utc, said_in
from agent.migrations import MIGRATIONS, as_kept, migrate, schema_version
from agent.protocols import Recalled
from agent.safety.counters import Counts, counted
from agent.safety.delivery import HandoffState, QueuedHandoff
from agent.safety.takeover import checked_name, given_back, taken_over, told
from agent.sqlite_file import NEXT_STEPS, empty_log, let_go, make_engine, make_private
from agent.sqlite_people import claim, contact_of, keep_contact, queue, queued_in, settle
from agent.sqlite_turns import (
    CONVERSATIONS,
    SAID,
    TURNS,
    count,
    counts_in,
    insert_turn,
    newest_of,
    said_in_row,
    turns_of,
)
from agent.turn import Turn

__all__ = ["SQLiteStore", "create"]


class SQLiteStore:
    """A `ConversationStore` in a file. Safe for threads and for several processes.

    Args:
        path: The database. It and its folder are made where they are missing.
        lock_seconds: How long to wait while another process writes.

    Raises:
        StoreError: It cannot be opened or made, is no database of ours, or is newer than this code.
    """

    name = "sqlite"

    def __init__(self, path: Path, *, lock_seconds: float = 10.0) -> None:
        self.path = Path(os.path.realpath(path))
        self._closed = False
        self._lock_seconds = lock_seconds
        self._remains = False  # what was erased may still stand in the log
        make_private(self.path)
        self._engine = make_engine(self.path, lock_seconds)
        try:
            with self._transaction() as connection:
                version = schema_version(connection)
            if version < len(MIGRATIONS):
                with self._transaction(writing=True) as connection:
                    migrate(connection)
        except StoreError:
            self.close()
            raise

    def recall(self, conversation_id: str, *, turns: int) -> Recalled:
        """See `ConversationStore`. A turn without a state leaves the state as it was."""
        if turns < 0:
            raise StoreError(f"`turns` is {turns}; it is 0 or more.")
        with self._transaction() as connection:
            recalled = newest_of(connection, conversation_id, turns=turns)
            return replace(recalled, contact=contact_of(connection, conversation_id))

    def append(self, turn: Turn) -> Turn:
        """See `ConversationStore`. The same turn again is not stored twice.

        Raises:
            StoreError: It could not be written, or another turn has the same id.
        """
        with self._transaction(writing=True) as connection:
            same_id = sa.select(TURNS.c.conversation_id, *SAID).where(TURNS.c.turn_id == turn.id)
            row = connection.execute(same_id).one_or_none()
            if row is None:
                stored = insert_turn(connection, turn)
                count(connection, counted(turn))
                if (contact := contact_of(connection, turn.conversation_id)) is not None or turn.care is not None:
                    keep_contact(connection, turn.conversation_id, told(contact or Contact(), turn))
                if queue(connection, stored):
                    count(connection, {"handoff": 1})
            elif row.conversation_id != turn.conversation_id or said_in_row(row) != said_in(turn):
                raise StoreError(f"Another turn is stored under id {turn.id!r}. Give every turn its own id.")
            else:  # a write that was tried again
                stored = next(each for each in turns_of(connection, turn.conversation_id) if each.id == turn.id)
        if self._remains:
            self._remains = not empty_log(self.path, seconds=0)
        return stored

    def turns(self, conversation_id: str) -> tuple[Turn, ...]:
        """See `ConversationStore`."""
        with self._transaction() as connection:
            turns = turns_of(connection, conversation_id)
        if not turns:
            raise self._unknown(conversation_id)
        return turns

    def conversations(self) -> tuple[str, ...]:
        """See `ConversationStore`."""
        with self._transaction() as connection:
            last_used_first = sa.select(CONVERSATIONS.c.id).order_by(CONVERSATIONS.c.last_used.desc())
            return tuple(connection.execute(last_used_first).scalars())

    def counts(self) -> Counts:
        """How often something happened; erasing changes none of it."""
        with self._transaction() as connection:
            return counts_in(connection)

    def hold(self, conversation_id: str, *, by: str) -> None:
        """See `TakeoverStore`."""
        self._change_contact(conversation_id, lambda contact: taken_over(contact, checked_name(by)))

    def release(self, conversation_id: str) -> None:
        """See `TakeoverStore`."""
        self._change_contact(conversation_id, given_back)

    def held_by(self, conversation_id: str) -> str | None:
        """See `TakeoverStore`."""
        with self._transaction() as connection:
            contact = contact_of(connection, conversation_id)
            return None if contact is None else contact.held_by

    def _change_contact(self, conversation_id: str, change: Callable[[Contact], Contact]) -> None:
        with self._transaction(writing=True) as connection:
            known = sa.select(CONVERSATIONS.c.id).where(CONVERSATIONS.c.id == conversation_id)
            if connection.execute(known).one_or_none() is None:
                raise self._unknown(conversation_id)
            after = change(contact_of(connection, conversation_id) or Contact())
            keep_contact(connection, conversation_id, after)

    def claim(self, now: datetime, *, until: datetime) -> QueuedHandoff | None:
        """See `agent.safety.delivery.Outbox`."""
        with self._transaction(writing=True) as connection:
            return claim(connection, in_utc(now), until=in_utc(until))

    def settle(
        self, handoff_id: str, state: HandoffState, *, next_try: datetime, problem: str | None = None
    ) -> None:
        """See `agent.safety.delivery.Outbox`."""
        with self._transaction(writing=True) as connection:
            settle(connection, handoff_id, state, next_try=in_utc(next_try), problem=problem)

    def handoffs(self) -> tuple[QueuedHandoff, ...]:
        """Every packet that was queued and not erased with its conversation, the oldest first."""
        with self._transaction() as connection:
            return queued_in(connection)

    def rate(self, conversation_id: str, feedback: Feedback) -> None:
        """See `agent.feedback.FeedbackStore`."""
        checked = checked_feedback(feedback)
        of_it = sa.and_(TURNS.c.turn_id == checked.turn_id, TURNS.c.conversation_id == conversation_id)
        with self._transaction(writing=True) as connection:
            if connection.execute(sa.select(TURNS.c.position).where(of_it)).one_or_none() is None:
                raise unknown_turn(conversation_id)
            keep_feedback(connection, conversation_id, checked)

    def feedback(self, conversation_id: str) -> tuple[Feedback, ...]:
        """See `agent.feedback.FeedbackStore`."""
        with self._transaction() as connection:
            return feedback_of(connection, conversation_id)

    def forget_profile(self, conversation_id: str) -> None:
        """See `ConversationStore`. The pages are written over, and the log is emptied once nobody reads in it."""
        of_it = sa.update(TURNS).where(TURNS.c.conversation_id == conversation_id)
        forgotten = {
            TURNS.c.state: sa.func.json_remove(TURNS.c.state, "$.personal"),
            TURNS.c.record: sa.func.json_remove(TURNS.c.record, "$.state.personal", "$.state_before.personal"),
        }
        with self._transaction(writing=True) as connection:
            if connection.execute(of_it.values(forgotten)).rowcount == 0:
                raise self._unknown(conversation_id)
        self._leave_nothing()

    def erase(self, conversation_id: str) -> int:
        """See `ConversationStore`. The pages are written over, and the log is emptied once nobody reads in it."""
        with self._transaction(writing=True) as connection:
            of_it = sa.select(sa.func.count()).where(TURNS.c.conversation_id == conversation_id)
            turns: int = connection.execute(of_it).scalar_one()
            if not _erase(connection, CONVERSATIONS.c.id == conversation_id):
                raise self._unknown(conversation_id)
        self._leave_nothing()
        return turns

    def expire(self, before: datetime) -> tuple[str, ...]:
        """See `ConversationStore`."""
        with self._transaction(writing=True) as connection:
            expired = _erase(connection, CONVERSATIONS.c.updated_at < as_kept(in_utc(before)))
        if expired:
            self._leave_nothing()
        return expired

    def close(self) -> None:
        """See `ConversationStore`."""
        self._closed = True
        self._engine.dispose()

    def _leave_nothing(self) -> None:
        """After erasing: nothing of it stays in the log or in this process. Who reads the log may delay that."""
        self._remains = not empty_log(self.path, seconds=self._lock_seconds)
        let_go(self._engine)

    @contextmanager
    def _transaction(self, *, writing: bool = False) -> Iterator[sa.Connection]:
        """A transaction, committed whole or rolled back and told of as a `StoreError`."""
        if self._closed:
            raise StoreError(f"The store {str(self.path)!r} is closed. Open it again with `SQLiteStore(path)`.")
        try:
            with self._engine.connect() as connection, connection.execution_options(writing=writing).begin():
                yield connection
        except UnicodeEncodeError:
            # Without its cause, which carries the text.
            raise StoreError("A text holds a lone surrogate. Clean it with `agent.intake.clean`.") from None
        except SQLAlchemyError as error:
            name = getattr(getattr(error, "orig", None), "sqlite_errorname", "")
            step = next(step for prefix, step in NEXT_STEPS.items() if name.startswith(prefix))
            problem = f"Conversation database {str(self.path)!r} failed ({name or type(error).__name__}). {step}"
            # An error without a name is the driver's own, which quotes a text that it cannot decode.
            raise StoreError(problem) from (error if name else None)

    def _unknown(self, conversation_id: str) -> UnknownConversationError:
        return UnknownConversationError(
            f"No conversation {conversation_id!r} in {str(self.path)!r}. `conversations()` lists those it has."
        )


def create(settings: Any) -> SQLiteStore:
    """Entry point `sqlite`: the store in the file that `settings.store_path` names."""
    return SQLiteStore(settings.store_path)


def _erase(connection: sa.Connection, which: sa.ColumnElement[bool]) -> tuple[str, ...]:
    """Erase conversations with all that belongs to them, and give their ids, the one last used first.

    Every table that holds something of a conversation refers to it with ON DELETE CASCADE.
    """
    last_used_first = sa.select(CONVERSATIONS.c.id).where(which).order_by(CONVERSATIONS.c.last_used.desc())
    ids = tuple(connection.execute(last_used_first).scalars())
    connection.execute(sa.delete(CONVERSATIONS).where(which))
    return ids
