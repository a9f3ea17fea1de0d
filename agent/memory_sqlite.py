"""Conversations in one SQLite file that several processes may share.

What is promised: a turn is stored whole or not at all, and a turn that `append` returned survives
the death of the process (`kill -9`). It survives a loss of power too, as far as the disk keeps what
it was told to flush: `synchronous=FULL` flushes once per turn, some milliseconds beside a reply that
takes seconds. Conversations are private: a new folder gets mode 0700 and a new file 0600, where the
operating system knows modes. The file must lie on a local disk: its log does not work on a network.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError

from agent.errors import StoreError, UnknownConversationError
from agent.memory import check_still_there, in_utc, said_in
from agent.migrations import MIGRATIONS, as_kept, migrate, schema_version, utc_now
from agent.protocols import Recalled
from agent.record import from_record, pack, to_record, unpack
from agent.safety.course import RiskCourse
from agent.sqlite_file import NEXT_STEPS, empty_log, let_go, make_engine, make_private
from agent.state import EmotionalState
from agent.turn import Message, Turn

__all__ = ["SQLiteStore", "create"]

_conversations = sa.table("conversations", *map(sa.column, ("id", "created_at", "updated_at", "last_used")))
_turns = sa.table(
    "turns",
    *map(sa.column, ("conversation_id", "position", "turn_id", "created_at", "seeker_text", "supporter_text")),
    *map(sa.column, ("strategy", "state", "history_length", "record", "course")),
)
_SAID = (_turns.c.position, _turns.c.seeker_text, _turns.c.supporter_text, _turns.c.strategy)


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
            return _newest(connection, conversation_id, turns=turns)

    def append(self, turn: Turn) -> Turn:
        """See `ConversationStore`. The same turn again is not stored twice.

        Raises:
            StoreError: It could not be written, or another turn has the same id.
        """
        with self._transaction(writing=True) as connection:
            same_id = sa.select(_turns.c.conversation_id, *_SAID).where(_turns.c.turn_id == turn.id)
            row = connection.execute(same_id).one_or_none()
            if row is None:
                stored = _insert(connection, turn)
            elif row.conversation_id != turn.conversation_id or _said_in(row) != said_in(turn):
                raise StoreError(f"Another turn is stored under id {turn.id!r}. Give every turn its own id.")
            else:  # a write that was tried again
                stored = next(each for each in _read(connection, turn.conversation_id) if each.id == turn.id)
        if self._remains:
            self._remains = not empty_log(self.path, seconds=0)
        return stored

    def turns(self, conversation_id: str) -> tuple[Turn, ...]:
        """See `ConversationStore`."""
        with self._transaction() as connection:
            turns = _read(connection, conversation_id)
        if not turns:
            raise self._unknown(conversation_id)
        return turns

    def conversations(self) -> tuple[str, ...]:
        """See `ConversationStore`."""
        with self._transaction() as connection:
            last_used_first = sa.select(_conversations.c.id).order_by(_conversations.c.last_used.desc())
            return tuple(connection.execute(last_used_first).scalars())

    def forget_profile(self, conversation_id: str) -> None:
        """See `ConversationStore`. The pages are written over, and the log is emptied once nobody reads in it."""
        of_it = sa.update(_turns).where(_turns.c.conversation_id == conversation_id)
        forgotten = {
            _turns.c.state: sa.func.json_remove(_turns.c.state, "$.personal"),
            _turns.c.record: sa.func.json_remove(_turns.c.record, "$.state.personal", "$.state_before.personal"),
        }
        with self._transaction(writing=True) as connection:
            if connection.execute(of_it.values(forgotten)).rowcount == 0:
                raise self._unknown(conversation_id)
        self._leave_nothing()

    def erase(self, conversation_id: str) -> int:
        """See `ConversationStore`. The pages are written over, and the log is emptied once nobody reads in it."""
        with self._transaction(writing=True) as connection:
            of_it = sa.select(sa.func.count()).where(_turns.c.conversation_id == conversation_id)
            turns: int = connection.execute(of_it).scalar_one()
            if not _erase(connection, _conversations.c.id == conversation_id):
                raise self._unknown(conversation_id)
        self._leave_nothing()
        return turns

    def expire(self, before: datetime) -> tuple[str, ...]:
        """See `ConversationStore`."""
        with self._transaction(writing=True) as connection:
            expired = _erase(connection, _conversations.c.updated_at < as_kept(in_utc(before)))
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


def _newest(connection: sa.Connection, conversation_id: str, *, turns: int, before: int = sys.maxsize) -> Recalled:
    """The newest turns of those at positions under `before`."""
    rows = connection.execute(
        sa.select(*_SAID, _turns.c.state)
        .where(_turns.c.conversation_id == conversation_id, _turns.c.position < before)
        .order_by(_turns.c.position.desc())
        .limit(max(1, turns))  # one at least, for its state
    ).all()
    if not rows:
        return Recalled()
    with _naming(connection, conversation_id, rows[0].position):
        state = None if rows[0].state is None else unpack(EmotionalState, json.loads(rows[0].state), at="state")
        # Of the newest turn alone: it stands behind `record`, whose pages would have to be walked through.
        newest = (_turns.c.conversation_id == conversation_id, _turns.c.position == rows[0].position)
        kept = connection.execute(sa.select(_turns.c.course).where(*newest)).scalar_one()
        course = None if kept is None else unpack(RiskCourse, json.loads(kept), at="course")
    messages = tuple(message for row in reversed(rows[:turns]) for message in _said_in(row))
    return Recalled(messages, state, rows[0].position + 1, course)


def _insert(connection: sa.Connection, turn: Turn) -> Turn:
    """Store a new turn at the next free place of its conversation."""
    so_far = _newest(connection, turn.conversation_id, turns=0)
    check_still_there(turn, stored=so_far.turns)
    state = so_far.state if turn.state is None else turn.state
    course = so_far.course if turn.course is None else turn.course
    # Stored turns hold the history of one that was recalled from here. A caller may bring its own.
    length = len(turn.history)
    before = _newest(connection, turn.conversation_id, turns=length, before=min(turn.index, so_far.turns))
    context = (before.turns, before.messages[-length:], before.state, before.course)
    derivable = context == (turn.index, turn.history, turn.state_before, turn.course_before)
    seeker, *supporter = said_in(turn)
    now = utc_now()
    _touch(connection, turn.conversation_id, now)
    connection.execute(
        sa.insert(_turns).values(
            conversation_id=turn.conversation_id,
            position=so_far.turns,
            turn_id=turn.id,
            created_at=now,
            seeker_text=seeker.text,
            supporter_text=supporter[0].text if supporter else None,
            strategy=supporter[0].strategy if supporter else None,
            state=None if state is None else _json(pack(state, at="turn.state")),
            course=None if course is None else _json(pack(course, at="turn.course")),
            history_length=length if derivable else None,
            record=_json(to_record(turn, context=not derivable)),
        )
    )
    return replace(turn, index=so_far.turns)


def _erase(connection: sa.Connection, which: sa.ColumnElement[bool]) -> tuple[str, ...]:
    """Erase conversations with all that belongs to them, and give their ids, the one last used first.

    Every table that holds something of a conversation refers to it with ON DELETE CASCADE.
    """
    last_used_first = sa.select(_conversations.c.id).where(which).order_by(_conversations.c.last_used.desc())
    ids = tuple(connection.execute(last_used_first).scalars())
    connection.execute(sa.delete(_conversations).where(which))
    return ids


def _touch(connection: sa.Connection, conversation_id: str, now: str) -> None:
    """Make a conversation the one last used; it begins to exist where it did not."""
    next_use = sa.select(sa.func.coalesce(sa.func.max(_conversations.c.last_used), 0) + 1).scalar_subquery()
    known = sa.update(_conversations).where(_conversations.c.id == conversation_id)
    if connection.execute(known.values(updated_at=now, last_used=next_use)).rowcount == 0:
        new = {"id": conversation_id, "created_at": now, "updated_at": now, "last_used": next_use}
        connection.execute(sa.insert(_conversations).values(new))


def _read(connection: sa.Connection, conversation_id: str) -> tuple[Turn, ...]:
    """Every turn of a conversation, with history and state before put back."""
    every = sa.select(*_SAID, _turns.c.history_length, _turns.c.record).order_by(_turns.c.position)
    turns: list[Turn] = []
    said: list[Message] = []
    ends = [0]  # messages that were said before each turn
    kept: list[tuple[EmotionalState | None, RiskCourse | None]] = [(None, None)]  # and the state at that time
    for row in connection.execute(every.where(_turns.c.conversation_id == conversation_id)):
        with _naming(connection, conversation_id, row.position):
            turn = from_record(json.loads(row.record))
            if row.history_length is not None:
                end = ends[turn.index]
                history = tuple(said[end - row.history_length : end])
                state, course = kept[turn.index]
                turn = replace(turn, history=history, state_before=state, course_before=course)
        turns.append(replace(turn, index=row.position))
        said.extend(_said_in(row))
        ends.append(len(said))
        kept.append((turn.state or kept[-1][0], turn.course or kept[-1][1]))
    return tuple(turns)


def _said_in(row: sa.Row[*tuple[Any, ...]]) -> tuple[Message, ...]:
    """As `said_in`, without parsing the record."""
    seeker = Message("seeker", row.seeker_text)
    if row.supporter_text is None:
        return (seeker,)
    return (seeker, Message("supporter", row.supporter_text, row.strategy))


def _json(packed: Any) -> str:
    return json.dumps(packed, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


@contextmanager
def _naming(connection: sa.Connection, conversation_id: str, position: int) -> Iterator[None]:
    """Says which turn it is that cannot be read."""
    try:
        yield
    except (StoreError, json.JSONDecodeError, IndexError) as error:
        problem = error if isinstance(error, StoreError) else "Its record is damaged."
        where = f"Turn {position} of conversation {conversation_id!r} in {connection.engine.url.database!r}"
        # Without its cause: that of JSON carries the text.
        raise StoreError(f"{where} cannot be read. {problem} Restore a copy of the file.") from None
