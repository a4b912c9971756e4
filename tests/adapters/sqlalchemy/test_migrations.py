"""Migrations: they make the tables that the code has, keep what was there, and can be undone."""

from __future__ import annotations

import sqlite3
import threading
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from authmw_sqlalchemy import AsyncSQLStores, SQLStores, check, include_tables, schema, upgrade, upgrade_sql
from authmw_sqlalchemy.tables import VERSION_TABLE, metadata
from sqlalchemy import URL, Column, MetaData, Table, Text, make_url, text

from authmw import ConfigurationError
from authmw.stores import StoreUnavailable
from tests.adapters.sqlalchemy.databases import HASHER, engine_of, make_schema, written
from tests.stores.support import at_once
from tests.support import ROOT, fresh_python

FIRST_DEMO = ROOT / "tests" / "data" / "first_demo" / "demo.sql"


def differences(url: URL, target: MetaData = metadata) -> list[object]:
    with engine_of(url) as engine, engine.connect() as connection:
        options = {"version_table": VERSION_TABLE, "compare_type": True}
        found: list[object] = compare_metadata(MigrationContext.configure(connection, opts=options), target)
        return found


def versions(url: URL) -> list[str]:
    with engine_of(url) as engine, engine.connect() as connection:
        return list(connection.execute(text(f"SELECT version_num FROM {VERSION_TABLE}")).scalars())


def migrated(url: URL, revision: str, *, down: bool = False) -> None:
    with engine_of(url) as engine, schema.exclusive(engine) as connection:
        schema.run_migrations(connection, revision, down=down)


def test_migrations_make_the_tables_of_the_code(empty: URL) -> None:
    assert len(check(empty)) >= 1
    upgrade(written(empty))
    assert differences(empty) == []
    assert check(empty) == []
    assert versions(empty) == [schema.HEAD]


def test_what_is_made_without_alembic_is_the_same(empty: URL) -> None:
    with engine_of(empty) as engine, schema.exclusive(engine) as connection:
        schema.create(connection)
    assert differences(empty) == []
    assert versions(empty) == [schema.HEAD]


def test_the_comparison_can_fail(empty: URL) -> None:
    upgrade(empty)
    with engine_of(empty) as engine, engine.begin() as connection:
        connection.execute(text("DROP TABLE authmw_nonces"))
    assert differences(empty) != []
    assert check(empty) == ["the table authmw_nonces is missing: run `authmw db upgrade`"]


def test_migrations_are_undone_one_by_one_and_made_again(empty: URL) -> None:
    migrated(empty, schema.HEAD)
    for revision in ("0004", "0003", "0002", "0001"):
        migrated(empty, revision, down=True)
        assert check(empty) != []
    migrated(empty, schema.HEAD)
    assert differences(empty) == []
    migrated(empty, "base", down=True)
    with engine_of(empty) as engine, engine.connect() as connection:
        assert {table for table, _ in schema.columns(connection)} == {VERSION_TABLE}


def test_an_upgrade_again_changes_nothing(empty: URL) -> None:
    upgrade(empty)
    upgrade(empty)
    assert versions(empty) == [schema.HEAD]


def test_of_several_that_upgrade_at_once_one_does(empty: URL) -> None:
    at_once(4, lambda _: upgrade(empty))
    assert versions(empty) == [schema.HEAD]
    assert differences(empty) == []


def test_a_database_without_any_table_of_ours_is_said_to_have_none(empty: URL) -> None:
    with engine_of(empty) as engine, engine.begin() as connection:
        connection.execute(text("CREATE TABLE theirs (id INTEGER)"))
    assert check(empty) == ["the database has no tables of authmw: run `authmw db upgrade`"]


def test_a_database_of_before_migrations_is_recognised_and_keeps_its_data(empty: URL) -> None:
    migrated(empty, "0001")
    with engine_of(empty) as engine, engine.begin() as connection:
        connection.execute(text(f"DROP TABLE {VERSION_TABLE}"))
        connection.execute(text("INSERT INTO authmw_users VALUES ('u1', 'alice', NULL, 'a b', '{}', 1.5, NULL)"))
        connection.execute(
            text("INSERT INTO authmw_tokens VALUES ('t1', 'd1', 'u1', 9e12, 'a', 'user', NULL, 1.5, NULL)")
        )
    assert "the table authmw_clients is missing: run `authmw db upgrade`" in check(empty)
    upgrade(empty)
    assert versions(empty) == [schema.HEAD]
    assert differences(empty) == []
    with closing(SQLStores(empty)) as stores:
        assert [user.username for user in stores.users.list()] == ["alice"]
        token = stores.tokens.find_token("d1")
    assert token is not None
    assert (token.audience, token.family_id, token.revoked_at) == (frozenset(), None, None)


_OLD_USER = (
    "INSERT INTO authmw_users (id, username, scopes, attributes, created_at) VALUES (:id, :id, 'a b', '{}', 1.5)"
)
_OLD_FAMILY = (
    "INSERT INTO authmw_refresh_families (id, key, current, subject, username, scopes, created_at, expires_at, "
    "idle_until, previous, salt, rotated_at, name) "
    "VALUES (:id, :id, 'c', 'alice', 'alice', 'a', 1.5, 9e12, 9e12, '', '', 0, '')"
)


def test_a_database_without_sessions_keeps_its_users_and_families_and_the_version_before_goes_on(empty: URL) -> None:
    migrated(empty, "0004")
    with engine_of(empty) as engine, engine.begin() as connection:
        connection.execute(text(_OLD_USER), {"id": "alice"})
        connection.execute(text(_OLD_FAMILY), {"id": "f1"})
    assert "the table authmw_sessions is missing: run `authmw db upgrade`" in check(empty)
    upgrade(empty)
    assert differences(empty) == []
    with engine_of(empty) as engine, engine.begin() as connection:
        connection.execute(text(_OLD_USER), {"id": "bob"})
        connection.execute(text(_OLD_FAMILY), {"id": "f2"})
    with closing(SQLStores(empty)) as stores:
        users = stores.users.list()
        assert [(user.id, user.email, user.email_verified) for user in users] == [
            ("alice", "", False),
            ("bob", "", False),
        ]
        assert stores.users.find_by_email("") == ()
        assert [family.session_id for family in stores.families.families_of("alice", 2.0)] == [None, None]
        stores.users.set_email("bob", "bob@shop.example", verified=True)
        assert [user.id for user in stores.users.find_by_email("BOB@shop.example")] == ["bob"]


def test_a_file_without_sessions_is_upgraded_on_first_use(tmp_path: Path) -> None:
    url = make_url(f"sqlite:///{tmp_path / 'app.db'}")
    migrated(url, "0004")
    with engine_of(url) as engine, engine.begin() as connection:
        connection.execute(text(_OLD_USER), {"id": "alice"})
    with closing(SQLStores(url)) as stores:
        assert stores.sessions.sessions_of("alice", 0.0) == ()
        alice = stores.users.find_by_id("alice")
    assert alice is not None
    assert alice.scopes == frozenset({"a", "b"})
    assert check(url) == []


def test_the_first_demos_database_is_upgraded_on_first_use(tmp_path: Path) -> None:
    path = tmp_path / "demo.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(FIRST_DEMO.read_text())
        names = [name for (name,) in connection.execute("SELECT username FROM authmw_users ORDER BY username")]
    assert names
    with closing(SQLStores(f"sqlite:///{path}", hasher=HASHER)) as stores:
        assert [user.username for user in stores.users.list()] == names
        stores.clients.create("shop")
    assert check(f"sqlite:///{path}") == []


def test_a_store_waits_while_another_process_upgrades_the_file(tmp_path: Path) -> None:
    path = tmp_path / "demo.db"
    with closing(sqlite3.connect(path, check_same_thread=False, isolation_level=None)) as other:
        other.executescript(FIRST_DEMO.read_text())
        other.execute("PRAGMA journal_mode = WAL")
        other.execute("BEGIN IMMEDIATE")
        upgraded = threading.Timer(1.5, other.execute, ("COMMIT",))  # longer than a writer waits
        upgraded.start()
        with closing(SQLStores(f"sqlite:///{path}", hasher=HASHER)) as stores:
            stores.clients.create("shop")
            assert len(stores.clients.list()) == 1
        upgraded.join()


@pytest.mark.slow
def test_four_processes_upgrade_one_old_file_on_first_use(tmp_path: Path) -> None:
    path = tmp_path / "demo.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(FIRST_DEMO.read_text())
    program = "import sys; from authmw_sqlalchemy import SQLStores; SQLStores(sys.argv[1]).clients.create(sys.argv[2])"
    results = at_once(4, lambda number: fresh_python("-c", program, f"sqlite:///{path}", f"client-{number}"))
    assert [result.stderr for result in results] == [""] * 4
    with closing(SQLStores(f"sqlite:///{path}")) as stores:
        assert len(stores.clients.list()) == 4


def test_a_new_file_needs_no_alembic(tmp_path: Path) -> None:
    program = (
        "import sys; from authmw_sqlalchemy import SQLStores; SQLStores(sys.argv[1]).users.create('alice');"
        "print(any(name.partition('.')[0] in ('alembic', 'psycopg') for name in sys.modules))"
    )
    assert fresh_python("-c", program, f"sqlite:///{tmp_path / 'app.db'}").stdout.strip() == "False"


def test_a_check_makes_no_file(tmp_path: Path) -> None:
    assert "run `authmw db upgrade`" in check(f"sqlite:///{tmp_path / 'app.db'}")[0]
    assert list(tmp_path.iterdir()) == []


def test_a_database_of_a_newer_version_is_told(empty: URL) -> None:
    upgrade(empty)
    with engine_of(empty) as engine, engine.begin() as connection:
        connection.execute(text(f"UPDATE {VERSION_TABLE} SET version_num = '9999'"))
    (sentence,) = check(empty)
    assert "9999" in sentence
    with closing(SQLStores(empty)) as stores:
        assert stores.users.list() == (), "an older program goes on beside a newer one"


def test_the_sql_can_be_run_by_somebody_else(empty: URL) -> None:
    written_sql = upgrade_sql(empty.get_backend_name())
    with engine_of(empty) as engine, engine.begin() as connection:
        for statement in written_sql.replace("BEGIN;", "").replace("COMMIT;", "").split(";"):
            if statement.strip():
                connection.exec_driver_sql(statement)
    assert differences(empty) == []
    assert check(empty) == []


def test_sql_is_written_for_databases_of_ours_alone() -> None:
    with pytest.raises(ConfigurationError, match="SQLite or PostgreSQL"):
        upgrade_sql("mysql://localhost/app")


@pytest.mark.servers
def test_postgresql_is_not_changed_in_passing(namespace: str) -> None:
    empty = make_schema(namespace, tables=False)
    with closing(SQLStores(empty)) as stores:
        with pytest.raises(StoreUnavailable, match="authmw db upgrade"):
            stores.users.find("alice")
        with pytest.raises(StoreUnavailable, match="authmw db upgrade"):
            stores.users.create("alice")
        upgrade(empty)
        assert stores.users.find("alice") is None, "and goes on without a restart"


def test_our_tables_in_the_metadata_of_an_application_are_what_the_migrations_make(empty: URL) -> None:
    upgrade(empty)
    theirs = MetaData(
        naming_convention={"uq": "theirs_%(table_name)s", "fk": "theirs_%(table_name)s", "ix": "x_%(table_name)s"}
    )
    ours = include_tables(theirs)
    Table("orders", theirs, Column("id", Text, primary_key=True), Column("user_id", Text))
    (difference,) = differences(empty, theirs)
    assert "orders" in str(difference)
    assert set(ours) == set(metadata.tables)


def test_our_tables_can_be_in_a_schema() -> None:
    ours = include_tables(MetaData(), schema="auth")
    assert {table.schema for table in ours.values()} == {"auth"}


def test_a_store_says_what_is_missing_in_its_tables(empty: URL) -> None:
    stores = SQLStores(empty)
    is_file = empty.get_backend_name() == "sqlite"
    others = [] if is_file else [AsyncSQLStores(empty)]  # these are for PostgreSQL alone
    users: list[Any] = [stores.users, *(each.users for each in others)]
    assert [each.check_tables() for each in users] == [check(empty)] * len(users)
    assert check(empty) != []
    upgrade(empty)
    assert [each.check_tables() for each in users] == [[]] * len(users)
    for each in (stores, *(other.sync for other in others)):
        each.close()
