"""What only the Postgres store promises: the server, its URL, its faults, and what its errors say."""

from __future__ import annotations

import logging
import socket
import traceback
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import Any

import pytest
import sqlalchemy as sa

from agent.errors import HeartlineError, SettingsError, StoreError
from agent.memory_postgres import PostgresStore, create
from agent.setting_types import StorePool
from agent.settings import load_settings
from agent.testing import a_turn
from agent.turn import Turn
from tests.contracts.safety_store_contract import SafetyStoreContract
from tests.contracts.store_contract import a_state, recalled_turn, said
from tests.postgres import PASSWORD, Cluster

WORD = "Quillonby"


class TestPostgresStore(SafetyStoreContract):
    @pytest.fixture
    def store(self, postgres_url: str):
        with closing(PostgresStore(postgres_url)) as store:
            yield store


@pytest.fixture
def store(postgres_url: str) -> Iterator[PostgresStore]:
    with closing(PostgresStore(postgres_url)) as store:
        yield store


def a_secret_turn(store: PostgresStore, number: int = 0) -> Turn:
    return recalled_turn(store, f"I hate {WORD} {number}.", reply=said(f"What did {WORD} do?"), state=a_state())


def complaint(work: Callable[[], object]) -> str:
    """What the error says that `work` ends in. Nothing of the person's is in it, and no password."""
    with pytest.raises(HeartlineError) as caught:
        work()
    told = "".join(traceback.format_exception(caught.value))
    assert WORD not in told
    assert PASSWORD not in told
    return str(caught.value)


@contextmanager
def at(words: str, happens: Callable[[int], None]) -> Iterator[None]:
    """Something happens right before the first statement that begins with `words`; it is told the backend's id."""
    done: list[int] = []

    def look(connection: sa.Connection, _cursor: object, sql: str, *_: object) -> None:
        if sql.startswith(words) and not done:
            done.append(connection.connection.driver_connection.info.backend_pid)  # type: ignore[union-attr]
            happens(done[0])

    sa.event.listen(sa.Engine, "before_cursor_execute", look)
    try:
        yield
    finally:
        sa.event.remove(sa.Engine, "before_cursor_execute", look)
    assert done


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """A plan of Postgres with all that is below it."""
    yield plan
    for each in plan.get("Plans", ()):
        yield from nodes(each)


def test_that_the_entry_point_opens_the_url_of_the_settings(postgres_url: str):
    settings = load_settings(store=postgres_url, store_pool={"size": 3}, tenant="acme")
    with closing(create(settings)) as store:
        assert (store.name, store.tenant) == ("postgresql", "acme")
        assert store._database.engine.pool.size() == 3
        store.append(a_turn())
    for shown in (repr(settings), str(settings), repr(store), repr(vars(store)), store.where):
        assert PASSWORD not in shown


@pytest.mark.parametrize("scheme", ["postgresql", "postgres", "postgresql+psycopg"])
def test_that_every_usual_scheme_is_taken(postgres_url: str, scheme: str):
    PostgresStore(f"{scheme}://{postgres_url.partition('://')[2]}").close()


@pytest.mark.parametrize(
    ("url", "told"),
    [
        (f"postgresql+asyncpg://u:{PASSWORD}@h/d", "its driver is psycopg"),
        (f"postgresql://u:{PASSWORD}@x@h/d", "holds an @. Write it as %40"),
        (f"postgresql://u:x@{PASSWORD}@h/d", "holds an @. Write it as %40"),
        (f"postgresql://u@h:{PASSWORD}/d", "percent-encoding"),
    ],
)
def test_that_a_url_that_is_none_is_refused_without_being_shown(url: str, told: str):
    assert told in complaint(lambda: PostgresStore(url))


def test_that_what_a_server_refuses_is_told_with_the_next_step(cluster: Cluster, postgres_url: str):
    wrong = postgres_url.replace(PASSWORD, "wrong")
    if cluster.folder is not None:  # others may let everybody in
        assert "(28P01). User or password were refused" in complaint(lambda: PostgresStore(wrong))
    missing = cluster.url.set(database="no_such").render_as_string(hide_password=False)
    assert "no_such' failed (3D000). There is no such database" in complaint(lambda: PostgresStore(missing))
    no_schema = cluster.url.update_query_dict({"options": "-csearch_path=no_such"})
    told = complaint(lambda: PostgresStore(no_schema.render_as_string(hide_password=False)))
    assert "(3F000). There is no such schema" in told


def test_that_a_server_that_is_not_there_is_told_of(cluster: Cluster):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    url = cluster.url.set(port=port).render_as_string(hide_password=False)
    told = complaint(lambda: PostgresStore(url))
    assert f":{port}/" in told
    assert "(OperationalError). It does not answer as it should. Check that it runs" in told


def test_that_a_database_that_cannot_hold_every_text_is_refused(cluster: Cluster):
    assert "is in LATIN1. The database is not in UTF-8." in complaint(
        lambda: PostgresStore(cluster.database("LATIN1"))
    )


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"reply": said(f"{WORD} \ud83d")}, "lone surrogate"),
        ({"reply": said(f"{WORD} \x00")}, "(22021). A text holds a NUL character"),
        ({"conversation_id": "".join(map(chr, range(256, 4000)))}, "(54000). An id is too long"),
    ],
    ids=["surrogate", "nul", "long id"],
)
def test_that_what_postgres_cannot_keep_is_refused_whole(
    store: PostgresStore, change: dict[str, object], told: str
):
    assert told in complaint(lambda: store.append(a_turn(WORD, **change)))
    assert store.conversations() == ()
    assert store.counts() == {}


def test_that_a_restart_between_two_calls_is_not_noticed(cluster: Cluster, store: PostgresStore):
    kept = store.append(a_secret_turn(store))
    cluster.control("restart", "-m", "fast")
    assert store.turns("c") == (kept,)
    cluster.control("restart", "-m", "immediate")
    assert store.append(recalled_turn(store, "two")).index == 1


@pytest.mark.parametrize("words", ["SELECT turns", "INSERT INTO turns", "INSERT INTO counts"])
def test_that_a_connection_that_breaks_in_the_middle_stores_nothing_half(
    cluster: Cluster, store: PostgresStore, words: str
):
    kept = store.append(recalled_turn(store, "one"))
    before, turn = store.counts(), a_secret_turn(store)
    with at(words, lambda backend: cluster.admin(f"SELECT pg_terminate_backend({backend}, 5000)")):
        assert "(57P01). The server is stopping or starting. Try again" in complaint(lambda: store.append(turn))
    assert store.turns("c") == (kept,)
    assert store.counts() == before
    assert store.append(turn) == turn
    assert len(store.turns("c")) == 2


def test_that_a_restart_in_the_middle_of_a_call_is_one_clear_error(cluster: Cluster, store: PostgresStore):
    turn = a_secret_turn(store)
    with at("INSERT INTO turns", lambda _: cluster.control("restart", "-m", "fast")):
        assert "Try again: a turn that was stored is not stored twice." in complaint(lambda: store.append(turn))
    assert store.conversations() == ()
    assert store.append(turn) == turn


def test_that_an_answer_that_was_lost_does_not_store_a_turn_twice(
    store: PostgresStore, monkeypatch: pytest.MonkeyPatch
):
    """The server commits, and the connection breaks before it can say so."""
    turn = a_secret_turn(store)

    def commit(driver: sa.engine.interfaces.DBAPIConnection) -> None:
        driver.commit()
        driver.driver_connection.close()  # type: ignore[attr-defined]
        driver.commit()

    with monkeypatch.context() as patch:
        patch.setattr(store._database.engine.dialect, "do_commit", commit)
        complaint(lambda: store.append(turn))
    assert store.append(turn) == turn
    assert store.turns("c") == (turn,)


def test_that_a_server_that_is_gone_is_told_of_until_it_is_back(cluster: Cluster, store: PostgresStore):
    kept = store.append(a_secret_turn(store))
    cluster.control("stop", "-m", "immediate")
    try:
        for use in (lambda: store.recall("c", turns=1), lambda: store.append(a_turn(WORD)), store.conversations):
            assert "It does not answer as it should." in complaint(use)
    finally:
        cluster.control("start")
    assert store.turns("c") == (kept,)


def test_that_a_pool_that_is_exhausted_is_told_of(postgres_url: str):
    with closing(PostgresStore(postgres_url, pool=StorePool(size=1, wait=0.05))) as store:
        with store._database.engine.connect():
            told = complaint(lambda: store.append(a_turn(WORD)))
        assert "All 1 connections were in use for 0.05 s. Try again, or raise `size`" in told
        assert store.append(a_turn(WORD)).index == 0


def test_that_waiting_for_a_conversation_that_is_held_has_an_end(cluster: Cluster, postgres_url: str):
    with (
        closing(PostgresStore(postgres_url)) as other,
        closing(PostgresStore(postgres_url, pool=StorePool(statement=0.2))) as store,
    ):
        kept = store.append(a_secret_turn(store))
        late = a_secret_turn(store, 1)
        options = {"writing": True}
        with other._database.engine.connect() as holder, holder.execution_options(**options).begin():
            holder.execute(sa.text("SELECT * FROM conversations FOR UPDATE"))
            assert "Try again" in complaint(lambda: store.append(late))
            assert store.recall("c", turns=1).turns == 1  # who reads does not wait
        assert store.turns("c") == (kept,)
        assert store.append(late).index == 1


def test_that_a_reader_sees_one_state_while_another_erases(store: PostgresStore):
    for number in range(3):
        store.append(a_secret_turn(store, number))
    store.hold("c", by="Amy")
    store.say("c", "I am here.", by="Amy")
    with at("SELECT human_acts.", lambda _: store.erase("c")):  # the second statement of a recall
        recalled = store.recall("c", turns=24)
    assert (recalled.turns, len(recalled.messages)) == (3, 7)
    assert store.conversations() == ()


def test_that_turns_are_looked_up_by_their_conversation_also_before_the_server_has_counted_them(
    store: PostgresStore,
):
    asked: dict[str, Any] = {}

    def note(_connection: object, _cursor: object, sql: str, values: Any, *_: object) -> None:
        asked[sql] = values

    store.append(recalled_turn(store, "one"))
    sa.event.listen(sa.Engine, "before_cursor_execute", note)
    try:
        store.append(recalled_turn(store, "two"))
    finally:
        sa.event.remove(sa.Engine, "before_cursor_execute", note)
    looks: list[str] = []
    with store._database.engine.connect().execution_options(writing=False, lasting=True) as connection:
        for sql, values in asked.items():
            if sql.startswith("SELECT") and " turns" in sql and "turn_id =" not in sql:
                (plan,) = connection.exec_driver_sql(f"EXPLAIN (FORMAT JSON) {sql}", values).scalar_one()
                looks += [
                    node["Index Cond"] for node in nodes(plan["Plan"]) if node.get("Relation Name") == "turns"
                ]
    assert looks
    assert [look for look in looks if "conversation_id" not in look] == []


def test_that_a_damaged_turn_is_named(store: PostgresStore, postgres_url: str):
    for number in range(3):
        store.append(a_secret_turn(store, number))
    engine = sa.create_engine(postgres_url, poolclass=sa.NullPool)
    with engine.begin() as connection:
        connection.exec_driver_sql(
            "UPDATE turns SET record = replace(record, '\"text\":', '\"test\":') WHERE position = 1"
        )
    told = complaint(lambda: store.turns("c"))
    assert "Turn 1 of conversation 'c'" in told
    assert store.recall("c", turns=24).turns == 3


def test_that_no_log_holds_a_word_or_the_password(
    cluster: Cluster, postgres_url: str, caplog: pytest.LogCaptureFixture
):
    caplog.set_level(logging.DEBUG)
    for name in ("sqlalchemy.engine", "sqlalchemy.pool", "psycopg"):
        caplog.set_level(logging.DEBUG, logger=name)
    with closing(PostgresStore(postgres_url)) as store:
        turn = store.append(a_secret_turn(store))
        with at(
            "INSERT INTO counts", lambda backend: cluster.admin(f"SELECT pg_terminate_backend({backend}, 5000)")
        ):
            complaint(lambda: store.append(a_secret_turn(store, 1)))
        store.forget_profile("c")
        assert store.erase("c") == 1
        assert turn.index == 0
    assert caplog.text != ""
    assert WORD not in caplog.text
    assert PASSWORD not in caplog.text


def test_that_the_missing_extra_is_named(monkeypatch: pytest.MonkeyPatch):
    def missing(*_: object, **__: object) -> None:
        raise ModuleNotFoundError("No module named 'psycopg'", name="psycopg")

    monkeypatch.setattr(sa, "create_engine", missing)
    with pytest.raises(SettingsError, match=r"needs 'psycopg'.*pip install 'heartline\[postgres\]'"):
        PostgresStore("postgresql://h/d")


def test_that_a_closed_store_can_be_opened_again(postgres_url: str):
    with closing(PostgresStore(postgres_url)) as store:
        kept = store.append(a_secret_turn(store))
    with pytest.raises(StoreError, match="is closed"):
        store.turns("c")
    with closing(PostgresStore(postgres_url)) as store:
        assert store.turns("c") == (kept,)
