"""The schema of the conversation database, as numbered migrations.

A migration is never changed once it has been released: databases out there have gone through it. A
new schema is a new function at the end of `MIGRATIONS`.

Tables of schema 1:

    conversations    id; created_at, updated_at; last_used: counts up over all conversations, so
                     that their order survives a clock that stands still or steps back
    turns            conversation_id, position (from 0): the key
                     turn_id: unique over all conversations
                     created_at
                     seeker_text, supporter_text, strategy: what was said, to be recalled cheaply
                     state: `EmotionalState` after the turn as JSON; that of the turn before where
                         none was read
                     history_length: messages of history that the turn saw; NULL where `record`
                         holds the history itself
                     record: the turn as JSON (see `agent.record`); its `index` is the place that
                         the turn expected, `position` the one that it got

Schema 2 adds to turns

                     course: `RiskCourse` after the turn as JSON; that of the turn before where no
                         guard kept one

Schema 3 adds

    counts           month (e.g. 2026-11), kind: the key; n. How often something happened (see
                     `agent.safety.counters`). The one table that outlives its conversations: it
                     holds nothing of them

Schema 4 adds

    holds            conversation_id: the key; held_by: who has taken it over, NULL where it was
                     given back; untold: whether that has yet to be told (0 or 1)
    handoffs         packets for a person: id (that of the turn that brought it about), conversation_id,
                     position (of that turn), created, reason, consent (0, 1, NULL: not asked),
                     state (queued, sent, failed), attempts, next_try, problem. What a packet says is
                     read from the turns when it is sent

Schema 5 adds to turns

                     reliance: `Reliance` after the turn as JSON, kept as `course` is

Schema 6 adds to turns

                     sitting: `Sitting` after the turn as JSON, kept as `course` is

Schema 7 adds to every table but its own ledger

                     tenant: whose row it is; "" where nobody is told apart. It is the first part of
                         every key, so that two tenants can give the same id

and puts `record` last in turns: what is recalled stands before its pages.

Schema 8 adds

    feedback         tenant, turn_id: the key; conversation_id; rating (-1, 0, 1); reason: somebody's
                     own words, or NULL; created_at

Schema 9 adds

    api_keys         id: the key; tenant: whom it opens; name; hash: SHA-256 of the API key, in hex;
                     created; last_used: a day; revoked: NULL while it opens something. It is asked
                     which tenant a key has, so that the tenant is no part of its own key

Schema 10 adds

    leases           name: the key, a hash; holder: NULL while nobody has it; request: what it is for; since,
                     until: seconds since 1970; next_holder, next_until: who waits for it, and
                     until when that counts (see `agent.leases`)
    requests         tenant, conversation_id, key: the key; body; turn_id ('' where a person said something);
                     created_at. What a request that may come twice led to (see `agent.repeats`)

and an index for what was not used for long.

Schema 11 adds to api_keys

                     rights: what it may do, joined by commas; expires: from when on it opens nothing, or
                     NULL; per_minute, concurrent: its own limits, or NULL

Schema 12 adds

    human_acts       tenant, conversation_id, number: the key; name: who; did (took_over, said, gave_back);
                     turns: how many there were; words: NULL where nothing was said; created_at

Schema 13 adds an index of packets by their age.

Times are UTC, ISO 8601 with microseconds. JSON is kept as text: every engine gives text back
unaltered, with keys in their order.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from sqlalchemy import (
    Column,
    Connection,
    ForeignKey,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    column,
    func,
    insert,
    inspect,
    select,
    table,
    text,
)

from agent.errors import StoreError
from agent.migration_acts import handoffs_by_age, human_acts
from agent.migration_keys import api_keys, key_terms
from agent.migration_order import order_and_requests
from agent.migration_tenants import tenants

__all__ = ["MIGRATIONS", "Migration", "as_kept", "migrate", "schema_version", "utc_now"]

Migration = Callable[[Connection], None]
"""Brings a database from the schema before to its own. Runs inside a transaction."""

_LEDGER = "heartline_migrations"
_LOCK = 7_236_181_925
"""Who migrates on Postgres holds the advisory lock of this number, drawn by lot."""


def utc_now() -> str:
    """The time, as the database keeps it."""
    return as_kept(datetime.now(UTC))


def as_kept(time: datetime) -> str:
    """A time of UTC, as the database keeps it: the text of an earlier one sorts before it."""
    return time.isoformat(timespec="microseconds")


def _conversations_and_turns(connection: Connection) -> None:
    tables = MetaData()
    Table(
        "conversations",
        tables,
        Column("id", Text, primary_key=True),
        Column("created_at", Text, nullable=False),
        Column("updated_at", Text, nullable=False),
        Column("last_used", Integer, nullable=False, index=True),
    )
    Table(
        "turns",
        tables,
        Column("conversation_id", ForeignKey("conversations.id", ondelete="CASCADE"), nullable=False),
        Column("position", Integer, nullable=False),
        Column("turn_id", Text, nullable=False, unique=True),
        Column("created_at", Text, nullable=False),
        Column("seeker_text", Text, nullable=False),
        Column("supporter_text", Text),
        Column("strategy", Text),
        Column("state", Text),
        Column("history_length", Integer),
        # Last, so that reading the columns before it does not touch its overflow pages.
        Column("record", Text, nullable=False),
        PrimaryKeyConstraint("conversation_id", "position"),
    )
    tables.create_all(connection, checkfirst=False)


def _course_of_risk(connection: Connection) -> None:
    connection.execute(text("ALTER TABLE turns ADD COLUMN course TEXT"))


def _counts(connection: Connection) -> None:
    # Without row ids: they would tell the order in which things were first counted.
    without = " WITHOUT ROWID" if connection.dialect.name == "sqlite" else ""
    connection.execute(
        text(
            "CREATE TABLE counts (month TEXT NOT NULL, kind TEXT NOT NULL, n INTEGER NOT NULL, "
            f"PRIMARY KEY (month, kind)){without}"
        )
    )


def _holds_and_handoffs(connection: Connection) -> None:
    conversation = "REFERENCES conversations (id) ON DELETE CASCADE"
    connection.execute(
        text(
            f"CREATE TABLE holds (conversation_id TEXT PRIMARY KEY NOT NULL {conversation}, held_by TEXT, "
            "untold INTEGER NOT NULL)"
        )
    )
    connection.execute(
        text(
            f"CREATE TABLE handoffs (id TEXT PRIMARY KEY NOT NULL, conversation_id TEXT NOT NULL {conversation}, "
            "position INTEGER NOT NULL, created TEXT NOT NULL, reason TEXT NOT NULL, consent INTEGER, "
            "state TEXT NOT NULL, attempts INTEGER NOT NULL, next_try TEXT NOT NULL, problem TEXT)"
        )
    )
    connection.execute(text("CREATE INDEX handoffs_of ON handoffs (conversation_id, position)"))
    connection.execute(text("CREATE INDEX handoffs_due ON handoffs (state, next_try)"))


def _reliance(connection: Connection) -> None:
    connection.execute(text("ALTER TABLE turns ADD COLUMN reliance TEXT"))


def _sitting(connection: Connection) -> None:
    connection.execute(text("ALTER TABLE turns ADD COLUMN sitting TEXT"))


def _feedback(connection: Connection) -> None:
    of_it = "FOREIGN KEY (tenant, conversation_id) REFERENCES conversations (tenant, id) ON DELETE CASCADE"
    connection.execute(
        text(
            "CREATE TABLE feedback (tenant TEXT NOT NULL, turn_id TEXT NOT NULL, conversation_id TEXT NOT NULL, "
            f"rating INTEGER NOT NULL, reason TEXT, created_at TEXT NOT NULL, {of_it}, "
            "PRIMARY KEY (tenant, turn_id))"
        )
    )
    connection.execute(text("CREATE INDEX feedback_of ON feedback (tenant, conversation_id)"))


MIGRATIONS: tuple[Migration, ...] = (
    _conversations_and_turns,
    _course_of_risk,
    _counts,
    _holds_and_handoffs,
    _reliance,
    _sitting,
    tenants,
    _feedback,
    api_keys,
    order_and_requests,
    key_terms,
    human_acts,
    handoffs_by_age,
)


def schema_version(connection: Connection, *, newest: int = len(MIGRATIONS)) -> int:
    """Number of the last migration that a database went through; 0 for an empty one.

    Args:
        connection: To the database.
        newest: The last migration that this version knows.

    Raises:
        StoreError: The database is newer, or belongs to another program.
    """
    tables = inspect(connection).get_table_names()
    if not tables:
        return 0
    if _LEDGER not in tables:
        raise StoreError(
            f"{connection.engine.url.database!r} is the database of another program. Nothing was changed in it. "
            "Name another one (HEARTLINE_STORE_PATH, or HEARTLINE_STORE for a URL)."
        )
    number: int = connection.execute(
        select(func.coalesce(func.max(column("number", Integer)), 0)).select_from(table(_LEDGER))
    ).scalar_one()
    if number > newest:
        raise StoreError(
            f"{connection.engine.url.database!r} has schema {number}; this version knows up to {newest}. "
            "Upgrade Heartline, or name another one (HEARTLINE_STORE_PATH, or HEARTLINE_STORE for a URL)."
        )
    return number


def migrate(connection: Connection, *, migrations: Sequence[Migration] = MIGRATIONS) -> None:
    """Bring a database to the newest schema, or leave it as it was.

    Args:
        connection: In a transaction that writes. Of two processes one migrates and the other finds
            it done: on SQLite the transaction is the lock, on Postgres one is taken here.
        migrations: All of them, in order.

    Raises:
        StoreError: As `schema_version`.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(select(func.pg_advisory_xact_lock(_LOCK)))
    done = schema_version(connection, newest=len(migrations))
    ledger = Table(
        _LEDGER,
        MetaData(),
        Column("number", Integer, primary_key=True),
        Column("name", Text, nullable=False),
        Column("applied_at", Text, nullable=False),
    )
    if not done:
        ledger.create(connection, checkfirst=False)
    for number, migration in enumerate(migrations[done:], done + 1):
        migration(connection)
        name = migration.__name__.strip("_")
        connection.execute(insert(ledger).values(number=number, name=name, applied_at=utc_now()))
