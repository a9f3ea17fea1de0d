"""What requests led to, as rows of an SQL database."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from agent.intake import parsed
from agent.migrations import as_kept, utc_now
from agent.record import from_record
from agent.repeats import KEPT, Answered, Request, same_request
from agent.sql_tables import TURNS, Key, new_row

__all__ = ["answered_in", "done_before", "forget_requests", "keep_request"]

_REQUESTS = sa.table(
    "requests", *map(sa.column, ("tenant", "conversation_id", "key", "body", "turn_id", "created_at"))
)


def keep_request(connection: sa.Connection, key: Key, turn_id: str, request: Request) -> None:
    """Keep what a request led to, in place of an older one of this key, and forget the conversation's old ones.

    Args:
        connection: In the transaction that stores the turn.
        key: Which conversation.
        turn_id: Of that turn; "" where a person said something, who has no turn.
        request: The request.
    """
    of_it = sa.delete(_REQUESTS).where(key.rows(_REQUESTS))
    connection.execute(of_it.where(_REQUESTS.c.created_at < _oldest()))
    led_to = {"body": request.body, "turn_id": turn_id, "created_at": utc_now()}
    whose = {"tenant": key.tenant, "conversation_id": key.id, "key": request.key}
    new = new_row(connection, _REQUESTS).values({**whose, **led_to})
    again = new.on_conflict_do_update(index_elements=["tenant", "conversation_id", "key"], set_=led_to)
    connection.execute(again)


def answered_in(connection: sa.Connection, key: Key, named: str) -> Answered | None:
    """See `RepeatStore`. Reads one turn, however long the conversation is."""
    row = _led_to(connection, key, named)
    if row is None:
        return None
    this = sa.select(TURNS.c.record, TURNS.c.position).where(key.rows(TURNS), TURNS.c.turn_id == row.turn_id)
    stored = connection.execute(this).one()
    # Its `index` is the place that it expected; what a client was told is the one that it got.
    turn = from_record({**parsed(stored.record), "index": stored.position})
    return Answered(Request(named, row.body), turn)


def done_before(connection: sa.Connection, key: Key, request: Request) -> bool:
    """Whether a request of the last 24 hours comes again, e.g. to say something that was said.

    Raises:
        RequestReusedError: Another one had its key.
    """
    row = _led_to(connection, key, request.key)
    return row is not None and same_request(row.body, request)


def _led_to(connection: sa.Connection, key: Key, named: str) -> sa.Row[*tuple[Any, ...]] | None:
    return connection.execute(
        sa.select(_REQUESTS.c.body, _REQUESTS.c.turn_id).where(
            key.rows(_REQUESTS), _REQUESTS.c.key == named, _REQUESTS.c.created_at >= _oldest()
        )
    ).one_or_none()


def forget_requests(connection: sa.Connection) -> None:
    """Forget requests of all tenants that are too old to be asked for. Turns stay."""
    connection.execute(sa.delete(_REQUESTS).where(_REQUESTS.c.created_at < _oldest()))


def _oldest() -> str:
    return as_kept(datetime.now(UTC) - KEPT)
