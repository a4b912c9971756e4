"""Pruning deletes what has expired and nothing else, in small transactions; and every question uses an index."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import closing
from itertools import pairwise
from typing import Any
from uuid import uuid4

import pytest
from authmw_sqlalchemy import SQLStores, families, keys, pending, pruning, sessions, tables, tokens, upgrade, users
from authmw_sqlalchemy.pruning import Pruned
from authmw_sqlalchemy.revocations import _AFTER, _latest  # pyright: ignore[reportPrivateUsage] - explained below
from authmw_sqlalchemy.statements import Query
from sqlalchemy import URL, Column, Connection, make_url, text

from authmw.stores.records import Attempt, RefreshFamily, Reservation, Revocation, TokenRecord
from authmw.stores.session_records import BrowserSession, Pending
from tests.adapters.sqlalchemy.databases import HASHER, drop_schema, engine_of, make_schema
from tests.support import require

NOW = 1_000_000.0


@pytest.fixture
def url(empty: URL) -> URL:
    upgrade(empty)
    return empty


@pytest.fixture
def stores(url: URL) -> Iterator[SQLStores]:
    with closing(SQLStores(url, hasher=HASHER, clock=lambda: NOW)) as stores:
        yield stores


def a_family(id: str, *, idle_until: float = NOW + 1, revoked_at: float | None = None) -> RefreshFamily:
    scopes = frozenset[str]()
    return RefreshFamily(id, id, "", "alice", "alice", None, scopes, 1.0, NOW + 9, idle_until, revoked_at=revoked_at)


def a_session(id: str, *, idle_until: float = NOW + 1, ended_at: float | None = None) -> BrowserSession:
    scopes = frozenset[str]()
    return BrowserSession(id, id, id, "alice", scopes, 1.0, 1.0, NOW + 9, 60.0, idle_until, 1.0, ended_at=ended_at)


def fill(stores: SQLStores, expired: int) -> None:
    """So many of each that have expired, and one that has not."""
    for number in range(expired + 1):
        until = NOW + 1 if number == expired else NOW - number
        name = f"n{number}"
        stores.tokens.add_token(TokenRecord(name, name, "alice", until))
        stores.families.add_family(a_family(name, idle_until=until))
        stores.families.add_family(a_family(f"r{number}", revoked_at=None if number == expired else NOW - 1))
        stores.sessions.add_session(a_session(name, idle_until=until))
        stores.sessions.add_session(a_session(f"r{number}", ended_at=None if number == expired else NOW - 1))
        stores.pending.put_pending(Pending(name, "recovery", "alice", until))
        stores.throttle.make_familiar(name, name, until)
        stores.revocations.publish(Revocation("user", name, 1.0, until))
        stores.database.write(_COUNT, (name, until), len)
        stores.database.write(_NONCE, (name, until), len)


_COUNT = Query.of(
    text("INSERT INTO authmw_throttle VALUES (:key, 1, 1.0, :until, '') RETURNING key"), *("key", "until")
)
_NONCE = Query.of(text("INSERT INTO authmw_nonces VALUES (:nonce, 1, :until) RETURNING nonce"), *("nonce", "until"))


def test_pruning_tells_the_total_and_then_each_batch(stores: SQLStores) -> None:
    fill(stores, 5)
    told = list(stores.prune(batch=2))
    assert told[0] == Pruned("", 0, 50)
    assert told[-1].deleted == 50
    steps = [after.deleted - before.deleted for before, after in pairwise(told)]
    assert max(steps) == 2
    assert {each.table for each in told[1:]} == {column.table.name for column in pruning.EXPIRING}
    assert list(stores.prune()) == [Pruned("", 0, 0)]


def test_what_has_not_expired_stays(stores: SQLStores) -> None:
    fill(stores, 3)
    list(stores.prune())
    assert stores.tokens.find_token("n3") is not None
    assert stores.tokens.find_token("n2") is None
    assert [family.id for family in stores.families.families_of("alice", NOW)] == ["n3", "r3"]
    assert [session.id for session in stores.sessions.sessions_of("alice", NOW)] == ["n3", "r3"]
    assert stores.sessions.find_session("n2") is None
    assert stores.pending.peek_pending("n3", "recovery", NOW) is not None
    assert stores.pending.peek_pending("n2", "recovery", 0.0) is None
    answers = [stores.throttle.reserve(Attempt("", name, "", (name,)), NOW) for name in ("n2", "n3")]
    assert [answer.mark for answer in answers if isinstance(answer, Reservation)] == ["", "n3"]
    assert [each.id for each in stores.revocations.revocations_after("", 10).revocations] == ["n3"]


def test_users_keys_and_clients_are_never_pruned(stores: SQLStores) -> None:
    stores.users.create("alice")
    stores.clients.create("shop")
    _, key = stores.keys.create("alice", lifetime=1.0)
    list(stores.prune(now=NOW * 2))
    assert stores.users.find("alice") is not None
    assert stores.clients.find_client("shop") is not None
    assert [each.id for each in stores.keys.list()] == [key.id]


def test_lookups_go_on_between_batches_and_within(stores: SQLStores) -> None:
    fill(stores, 4)
    for _ in stores.prune(batch=1):
        assert stores.tokens.find_token("n4") is not None
        stores.tokens.create("bob")


@pytest.mark.servers
def test_who_holds_a_row_is_not_waited_for(namespace: str) -> None:
    url = make_schema(namespace)
    with closing(SQLStores(url, clock=lambda: NOW)) as stores, engine_of(url) as engine:
        fill(stores, 3)
        with engine.begin() as holder:
            holder.execute(text("SELECT 1 FROM authmw_tokens WHERE id = 'n0' FOR UPDATE"))
            *_, last = stores.prune()
            assert (last.total, last.deleted) == (30, 29)
        *_, last = stores.prune()
        assert (last.total, last.deleted) == (1, 1)


def test_a_cursor_whose_row_was_pruned_misses_nothing(stores: SQLStores) -> None:
    stores.revocations.publish(Revocation("user", "kept", 1.0, NOW + 1))
    stores.revocations.publish(Revocation("user", "expired", 1.0, NOW + 0.5))
    cursor = stores.revocations.revocations_after("", 10).cursor
    list(stores.prune(now=NOW + 0.7))
    stores.revocations.publish(Revocation("user", "new", 1.0, NOW + 1))
    page = stores.revocations.revocations_after(cursor, 10)
    assert [each.id for each in page.revocations] == ["kept", "new"], "again is no harm"


# Plans. The statements are those that are run: a copy of them would prove nothing.


@pytest.fixture(scope="module", params=["sqlite", pytest.param("postgresql", marks=pytest.mark.servers)])
def migrated(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[URL]:
    """The URL of a database with our tables, in which nothing is stored."""
    if request.param == "sqlite":
        url = make_url(f"sqlite:///{tmp_path_factory.mktemp('plans') / 'app.db'}")
        upgrade(url)
        yield url
        return
    require("postgresql")
    namespace = f"test_{uuid4().hex[:12]}"
    try:
        url = make_schema(namespace, tables=False)
        upgrade(url)
        yield url
    finally:
        drop_schema(namespace)


_QUERIES: dict[str, tuple[Query, tuple[object, ...]]] = {
    "find": (users._FIND, ("a",)),  # pyright: ignore[reportPrivateUsage]
    "find_by_id": (users._FIND_BY_ID, ("a",)),  # pyright: ignore[reportPrivateUsage]
    "find_by_email": (users._FIND_BY_EMAIL, ("a",)),  # pyright: ignore[reportPrivateUsage]
    "verify_email": (users._VERIFY_EMAIL, ("a", "b")),  # pyright: ignore[reportPrivateUsage]
    "find_digest": (users._FIND_DIGEST, ("a", "b", "MD5")),  # pyright: ignore[reportPrivateUsage]
    "find_digest_by_userhash": (users._FIND_USERHASH, ("a", "b", "MD5")),  # pyright: ignore[reportPrivateUsage]
    "find_key": (keys._FIND, ("a",)),  # pyright: ignore[reportPrivateUsage]
    "find_token": (tokens._FIND, ("a",)),  # pyright: ignore[reportPrivateUsage]
    "revoke_token": (tokens._REVOKE, ("a", 1.0)),  # pyright: ignore[reportPrivateUsage]
    "revoke_family_tokens": (tokens._REVOKE_FAMILY, ("a", 1.0)),  # pyright: ignore[reportPrivateUsage]
    "revoke_subject_tokens": (tokens._REVOKE_SUBJECT, ("a", 1.0)),  # pyright: ignore[reportPrivateUsage]
    "revoke_client_tokens": (tokens._REVOKE_CLIENT, ("a", 1.0)),  # pyright: ignore[reportPrivateUsage]
    "find_family": (families._FIND, ("a",)),  # pyright: ignore[reportPrivateUsage]
    "families_of": (families._OF_SUBJECT, ("a", 1.0)),  # pyright: ignore[reportPrivateUsage]
    "find_session": (sessions._FIND, ("a",)),  # pyright: ignore[reportPrivateUsage]
    "sessions_of": (sessions._OF_SUBJECT, ("a", 1.0)),  # pyright: ignore[reportPrivateUsage]
    "touch_session": (sessions._TOUCH, ("a", 1.0)),  # pyright: ignore[reportPrivateUsage]
    "peek_pending": (pending._PEEK, ("a", "b", 1.0)),  # pyright: ignore[reportPrivateUsage]
    "take_pending": (pending._TAKE, ("a", "b", 1.0)),  # pyright: ignore[reportPrivateUsage]
    "drop_pending": (pending._DROP, ("a", "b")),  # pyright: ignore[reportPrivateUsage]
    "revocations_after": (_AFTER, (1, 1.0, 0, 1.0, 10)),
    "find_revocations": (_latest(2), (1.0, "user", "a", "client", "b")),
}


def plan(connection: Connection, sql: str, values: tuple[object, ...]) -> str:
    if connection.dialect.name == "sqlite":
        rows = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {sql}", values).all()
        return "\n".join(str(row[-1]) for row in rows)
    # A table this small would be read as a whole, if it were allowed.
    connection.execute(text("SET LOCAL enable_seqscan = off"))
    rows = connection.exec_driver_sql(f"EXPLAIN {sql}", values).all()
    return "\n".join(str(row[0]) for row in rows)


def read_as_a_whole(plan: str) -> list[str]:
    """The tables of ours that a plan reads without an index."""
    return re.findall(r"(?:Seq Scan on|SCAN) (authmw_\w+)(?! USING)", plan)


@pytest.mark.parametrize("name", _QUERIES)
def test_every_lookup_uses_an_index(migrated: URL, name: str) -> None:
    query, values = _QUERIES[name]
    with engine_of(migrated) as engine, engine.begin() as connection:
        compiled = query.sqlite if engine.dialect.name == "sqlite" else query.postgres
        explained = plan(connection, compiled.sql, compiled.arranged(values))
    assert read_as_a_whole(explained) == []
    assert re.search("index|primary key", explained.lower())


@pytest.mark.parametrize("column", pruning.EXPIRING, ids=str)
def test_every_batch_uses_the_index_of_its_times(migrated: URL, column: Column[float]) -> None:
    with engine_of(migrated) as engine, engine.begin() as connection:
        statement = pruning.deletion(column, 1.0, 10).compile(engine, compile_kwargs={"literal_binds": True})
        explained = plan(connection, str(statement), ())
    assert f"ix_{column.table.name}_{column.name}" in explained
    assert read_as_a_whole(explained) == []


_ENDS: dict[str, Callable[[], Any]] = {
    "families": lambda: next(families.ended_where(tables.refresh_families.c.subject == "alice", 1.0)),
    "families of a session": lambda: next(families.ended_where(tables.refresh_families.c.session_id == "sid", 1.0)),
    "sessions": lambda: next(sessions.sessions_ended_where(tables.sessions.c.subject == "alice", 1.0)),
}


@pytest.mark.parametrize("end", _ENDS.values(), ids=_ENDS)
def test_every_end_of_several_uses_an_index(migrated: URL, end: Callable[[], Any]) -> None:
    with engine_of(migrated) as engine, engine.begin() as connection:
        statement = end().compile(engine, compile_kwargs={"literal_binds": True})
        explained = plan(connection, str(statement), ())
    assert read_as_a_whole(explained) == []


def test_a_plan_without_an_index_is_noticed(migrated: URL) -> None:
    with engine_of(migrated) as engine, engine.begin() as connection:
        explained = plan(connection, "SELECT * FROM authmw_users WHERE password_hash = 'x'", ())
    assert read_as_a_whole(explained) == ["authmw_users"]
