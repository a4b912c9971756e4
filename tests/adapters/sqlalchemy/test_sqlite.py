"""The SQL stores: what only they promise. What every store promises is in tests/stores."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import sqlite3
import stat
import sys
import textwrap
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from authmw_sqlalchemy import SQLStores
from authmw_sqlalchemy.statements import Query
from authmw_sqlalchemy.tables import metadata
from sqlalchemy import create_engine, event, text

from authmw import APIKeyHeader, Auth, ConfigurationError, HTTPBearer
from authmw.crypto.chained_tokens import SessionToken, new_salt
from authmw.crypto.opaque_tokens import new_token, token_digest
from authmw.crypto.passwords import CHEAPEST, PasswordHasher
from authmw.engine.authentication import Authentication
from authmw.flow.call_mode import CallMode
from authmw.flow.flow import Ask, Flow, run
from authmw.http.refusal import Refusal
from authmw.http.request import WSGIRequest
from authmw.stores import StoreUnavailable
from authmw.stores.records import TokenRecord, User
from authmw.stores.session_records import Pending, RenewalOutcome
from authmw.testing.contract.sessions import a_renewal, a_session
from authmw.verifiers.api_key import ApiKeyVerifier
from authmw.verifiers.token import TokenVerifier
from tests.stores.support import at_once
from tests.support import fresh_python

HASHER = PasswordHasher(CHEAPEST)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "app.db"


@pytest.fixture
def stores(path: Path) -> Iterator[SQLStores]:
    with closing(SQLStores(f"sqlite:///{path}", hasher=HASHER)) as opened:
        yield opened


def test_nothing_is_touched_before_the_first_use(path: Path) -> None:
    with closing(SQLStores(f"sqlite:///{path}")) as stores:
        assert not path.exists()
        assert stores.users.find("alice") is None
        assert path.exists()


def test_records_are_there_after_a_restart(path: Path) -> None:
    with closing(SQLStores(f"sqlite:///{path}", hasher=HASHER)) as stores:
        user = stores.users.create("alice", "pw", scopes=["a"])
        key, key_record = stores.keys.create("alice")
        token, token_record = stores.tokens.create("alice")
        stores.tokens.revoke(token_record.id)
    with closing(SQLStores(f"sqlite:///{path}")) as stores:
        assert stores.users.find("alice") == user
        assert stores.keys.find_key(token_digest(key)) == key_record
        found = stores.tokens.find_token(token_digest(token))
        assert found is not None
        assert found.revoked_at is not None, "the revocation is lost (docs/security/threats.md, row 27)"


def test_tok_1_a_dump_of_the_file_holds_no_secret(path: Path, stores: SQLStores) -> None:
    stores.users.create("alice", "correct horse", digest_realm="app")
    key, record = stores.keys.create("alice")
    rotated, _ = stores.keys.rotate(record.id)
    token, _ = stores.tokens.create("alice")
    cookies = [*a_renewed_session(stores), secret := new_token("xx")]
    stores.pending.put_pending(Pending(token_digest(secret), "recovery", "alice", time.time() + 60))
    with closing(sqlite3.connect(path)) as connection:
        dump = "\n".join(connection.iterdump())
    stores.close()
    files = b"".join(file.read_bytes() for file in path.parent.iterdir())
    assert "alice" in dump
    assert b"alice" in files
    assert all(token_digest(cookie) in dump for cookie in cookies), "what is looked at is what was stored"
    values = (key, rotated, token, *cookies)
    for kept_nowhere in ("correct horse", *values, *(value[3:] for value in values), cookies[0][3:33]):
        assert kept_nowhere not in dump
        assert kept_nowhere.encode() not in files


def a_renewed_session(stores: SQLStores) -> list[str]:
    """Begin a session, and renew it. The two values of its cookie."""
    first, salt = SessionToken.new(), new_salt()
    after = first.successor(salt)
    session = a_session(key=token_digest(first.family), current=first.digest)
    stores.sessions.add_session(session)
    renewal = a_renewal(session, successor=after.digest, salt=salt)
    assert stores.sessions.renew_session(renewal).outcome is RenewalOutcome.RENEWED
    return [first.text, after.text]


@pytest.mark.skipif(sys.platform == "win32", reason="modes of POSIX")
def test_a_new_file_is_readable_by_its_owner_alone(path: Path, stores: SQLStores) -> None:
    before = os.umask(0)
    try:
        stores.users.create("alice")
    finally:
        os.umask(before)
    for file in path.parent.iterdir():
        assert stat.S_IMODE(file.stat().st_mode) == 0o600, file.name


def test_the_file_is_in_wal_mode_and_foreign_keys_are_enforced(path: Path, stores: SQLStores) -> None:
    stores.users.create("alice")
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    row = Query.of(text("INSERT INTO authmw_user_digests VALUES ('nobody', 'app', 'MD5', 'x', 'y') RETURNING realm"))
    with pytest.raises(StoreUnavailable, match="IntegrityError"):
        stores.database.write(row, (), len)


def test_every_table_is_named_after_us(path: Path, stores: SQLStores) -> None:
    stores.users.find("alice")
    with closing(sqlite3.connect(path)) as connection:
        names = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    assert names == {*metadata.tables, "authmw_alembic_version", "sqlite_sequence"}
    assert all(name.startswith("authmw_") for name in names if name != "sqlite_sequence")


@pytest.mark.parametrize("table", ["authmw_api_keys", "authmw_tokens", "authmw_users"])
def test_lookups_of_a_request_use_an_index(path: Path, stores: SQLStores, table: str) -> None:
    stores.users.find("alice")
    column = "username" if table == "authmw_users" else "digest"
    with closing(sqlite3.connect(path)) as connection:
        plan = connection.execute(f"EXPLAIN QUERY PLAN SELECT * FROM {table} WHERE {column} = 'x'").fetchall()
    assert "USING INDEX" in plan[0][-1]


@pytest.mark.parametrize(
    "url, fix",
    [
        ("app.db", "sqlite:///app.db"),
        ("mysql://localhost/app", "sqlite:///app.db"),
        ("postgresql+asyncpg://localhost/app", "postgresql://"),
        ("sqlite+aiosqlite:///app.db", "sqlite:///app.db"),
        ("sqlite://", "MemoryStores"),
        ("sqlite:///:memory:", "MemoryStores"),
        ("sqlite:///file:app?mode=memory&uri=true", "MemoryStores"),
    ],
)
def test_what_is_no_database_of_ours_is_refused_with_the_fix(url: str, fix: str) -> None:
    with pytest.raises(ConfigurationError, match=fix):
        SQLStores(url)


def test_a_mistaken_url_is_not_repeated_with_its_password() -> None:
    with pytest.raises(ConfigurationError) as caught:
        SQLStores("mysql://app:hunter2@localhost/app")
    assert "hunter2" not in str(caught.value)


def test_an_engine_of_the_application_is_shared_and_left_as_it_is(path: Path) -> None:
    engine = create_engine(f"sqlite:///{path}")
    opened: list[object] = []

    def note(connection: object, _: object) -> None:
        opened.append(connection)

    event.listen(engine, "connect", note)
    stores = SQLStores(engine, hasher=HASHER)
    stores.users.create("alice")
    assert opened, "our connections come from the application's pool"
    with engine.connect() as connection:
        assert connection.scalar(text("SELECT username FROM authmw_users")) == "alice"
        assert connection.scalar(text("PRAGMA query_only")) == 0
    stores.close()
    with engine.connect() as connection:
        assert connection.scalar(text("SELECT count(*) FROM authmw_users")) == 1
    engine.dispose()


def test_err_1_errors_and_logs_of_the_database_tell_no_parameters(
    path: Path, stores: SQLStores, caplog: pytest.LogCaptureFixture
) -> None:
    stores.users.create("alice", "pw", digest_realm="app")
    hashed = stores.users.list()[0].password_hash or "none"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("DROP TABLE authmw_users")
        connection.commit()
    caplog.set_level(logging.DEBUG)
    with pytest.raises(StoreUnavailable) as caught:
        stores.users.replace_password_hash("alice", hashed, "a-new-hash")
    assert "authmw_users" in str(caught.value.__cause__), "the driver's own words are the cause"
    told = f"{caught.value!r} {caught.value.__cause__!r} {caught.value.__context__!r} {caplog.text}"
    assert hashed not in told
    assert "a-new-hash" not in told


def ask_user(stores: SQLStores, username: str) -> Flow[User | None]:
    return (yield from Ask(stores.users.find, username))


def test_class_35_a_broken_database_is_a_503_and_mends_itself(path: Path, stores: SQLStores) -> None:
    key, _ = stores.keys.create("alice")
    auth = Auth(APIKeyHeader("X-API-Key", ApiKeyVerifier(stores.keys)))
    request = WSGIRequest({"REQUEST_METHOD": "GET", "HTTP_X_API_KEY": key})
    assert isinstance(auth.authenticate(request), Authentication)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("ALTER TABLE authmw_api_keys RENAME TO gone")
    refusal = auth.authenticate(request)
    assert isinstance(refusal, Refusal)
    assert refusal.status == 503
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("ALTER TABLE gone RENAME TO authmw_api_keys")
    assert isinstance(auth.authenticate(request), Authentication)


def test_a_file_that_cannot_be_opened_is_a_503(tmp_path: Path) -> None:
    folder = tmp_path / "gone"
    folder.mkdir()
    with closing(SQLStores(f"sqlite:///{folder / 'app.db'}")) as stores:
        folder.rmdir()
        with pytest.raises(StoreUnavailable):
            run(ask_user(stores, "alice"))


def test_readers_wait_for_no_writer_and_never_write(path: Path, stores: SQLStores) -> None:
    token, record = stores.tokens.create("alice")
    with closing(sqlite3.connect(path, isolation_level=None)) as writer:
        writer.execute("BEGIN IMMEDIATE")
        writer.execute("DELETE FROM authmw_tokens")
        assert stores.tokens.find_token(token_digest(token)) == record, "as it was before the transaction"
        writer.execute("COMMIT")
    assert stores.tokens.find_token(token_digest(token)) is None


def test_lookups_are_asked_on_the_loop_and_writes_on_a_thread(stores: SQLStores) -> None:
    marked = [stores.users.find, stores.users.find_digest, stores.keys.find_key, stores.tokens.find_token]
    unmarked = [stores.users.replace_password_hash, stores.keys.touch_key, stores.sessions.touch_session]
    assert {CallMode.of(method) for method in marked} == {CallMode.NONBLOCKING}
    assert {CallMode.of(method) for method in unmarked} == {CallMode.BLOCKING}


def test_what_was_revoked_by_another_process_is_refused_at_once(path: Path, stores: SQLStores) -> None:
    token, record = stores.tokens.create("alice")
    auth = Auth(HTTPBearer(TokenVerifier(stores.tokens)))
    request = WSGIRequest({"REQUEST_METHOD": "GET", "HTTP_AUTHORIZATION": f"Bearer {token}"})
    assert isinstance(asyncio.run(auth.authenticate_async(request)), Authentication)
    with closing(SQLStores(f"sqlite:///{path}")) as other:
        other.tokens.revoke(record.id)
    assert isinstance(asyncio.run(auth.authenticate_async(request)), Refusal)


def test_an_unknown_token_is_asked_for_by_its_digest_alone(stores: SQLStores) -> None:
    asked: list[str] = []

    class Watched:
        def find_token(self, digest: str) -> TokenRecord | None:
            asked.append(digest)
            return stores.tokens.find_token(digest)

    token = new_token()
    auth = Auth(HTTPBearer(TokenVerifier(Watched())))
    auth.authenticate(WSGIRequest({"REQUEST_METHOD": "GET", "HTTP_AUTHORIZATION": f"Bearer {token}"}))
    assert asked == [token_digest(token)]


def test_eight_threads_read_while_one_writes(stores: SQLStores) -> None:
    token, record = stores.tokens.create("alice")

    def use(number: int) -> bool:
        if number == 0:
            return all(stores.tokens.create("bob") for _ in range(20))
        return all(stores.tokens.find_token(token_digest(token)) == record for _ in range(50))

    assert all(at_once(8, use))


@pytest.mark.slow
def test_four_processes_share_one_new_file(path: Path) -> None:
    program = textwrap.dedent("""
        import sys, threading, subprocess
        from authmw_sqlalchemy import SQLStores
        stores = SQLStores(sys.argv[1])
        for number in range(5):
            name = f"{sys.argv[2]}-{number}"
            stores.users.create(name)
            assert stores.users.find(name) is not None
        stores.close()
    """)
    results = at_once(4, lambda number: fresh_python("-c", program, f"sqlite:///{path}", str(number)))
    assert [result.stderr for result in results] == [""] * 4
    with closing(SQLStores(f"sqlite:///{path}")) as stores:
        assert len(stores.users.list()) == 20


@pytest.mark.skipif(not hasattr(os, "fork"), reason="forks of POSIX")
def test_after_a_fork_the_child_opens_connections_of_its_own(path: Path) -> None:
    program = textwrap.dedent("""
        import os, sys
        from authmw_sqlalchemy import SQLStores
        stores = SQLStores(sys.argv[1])
        stores.users.create("parent")
        assert stores.users.find("parent")
        before = set(map(id, stores.database._readers))
        child = os.fork()
        if child == 0:
            assert not stores.database._readers
            stores.users.create("child")
            assert stores.users.find("child")
            stores.close()
            os._exit(0)
        assert os.waitpid(child, 0)[1] == 0
        assert set(map(id, stores.database._readers)) == before
        stores.users.create("again")
        assert len(stores.users.list()) == 3
        stores.close()
    """)
    result = fresh_python("-c", program, f"sqlite:///{path}")
    assert (result.returncode, result.stderr) == (0, "")


def test_without_sqlalchemy_the_import_says_what_to_install() -> None:
    program = textwrap.dedent("""
        import sys
        sys.modules["sqlalchemy"] = None
        try:
            import authmw_sqlalchemy
        except ModuleNotFoundError as error:
            print(error, error.name)
    """)
    result = fresh_python("-c", program)
    assert 'pip install "authmw[sql]" sqlalchemy' in result.stdout


def test_a_database_that_nobody_has_any_more_is_closed(tmp_path: Path) -> None:
    stores = SQLStores(f"sqlite:///{tmp_path / 'app.db'}")
    stores.users.create("alice")
    assert stores.users.find("alice") is not None
    database: Any = stores.database
    (reader,) = list(database._readers)
    reader.execute("SELECT 1").fetchall()
    del stores, database
    gc.collect()
    with pytest.raises(sqlite3.ProgrammingError, match="closed"):
        reader.execute("SELECT 1")
