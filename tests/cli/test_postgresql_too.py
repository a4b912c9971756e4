"""The commands on PostgreSQL."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Generator
from typing import Any

import pytest
from click.testing import Result
from sqlalchemy import create_engine

from tests.cli.written_app import forgotten_afterwards, write
from tests.support import require

pytestmark = pytest.mark.servers

Run = Callable[..., Result]
Document = Callable[..., dict[str, Any]]


@pytest.fixture
def url() -> Generator[str]:
    """A schema of its own."""
    require("postgresql")
    schema = f"authmw_test_cli_{os.getpid()}"
    url = f"postgresql+psycopg://postgres@127.0.0.1/test?options=-csearch_path%3D{schema}"
    engine = create_engine("postgresql+psycopg://postgres@127.0.0.1/test", isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.exec_driver_sql(f"DROP SCHEMA IF EXISTS {schema} CASCADE")
        connection.exec_driver_sql(f"CREATE SCHEMA {schema}")
        yield url
        connection.exec_driver_sql(f"DROP SCHEMA {schema} CASCADE")
    engine.dispose()


def test_the_commands_are_the_same(run: Run, document: Document, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUTHMW_DATABASE", url)
    assert run("db", "check").exit_code == 1
    assert document("db", "upgrade") == {"upgraded": True}
    assert document("db", "check") == {"up_to_date": True, "missing": []}
    assert document("users", "create", "alice", "--scope", "orders:read", "--no-password")["id"] == "alice"
    assert document("clients", "create", "billing")["client_secret"].startswith("cs_")
    assert document("keys", "create", "alice")["key"].startswith("ak_")
    assert document("tokens", "list") == {"tokens": []}
    assert document("sessions", "list", "alice") == {"sessions": [], "browser_sessions": []}
    assert document("users", "disable", "alice")["disabled"] is True


def test_a_command_before_the_upgrade_says_to_upgrade(run: Run, url: str) -> None:
    refused = run("users", "list", "--database", url)
    assert (refused.exit_code, refused.stdout) == (1, "")
    assert "authmw db upgrade" in refused.stderr


def test_the_doctor_says_whether_the_tables_are_up_to_date(run: Run, url: str) -> None:
    text = f"""
        from authmw import Auth, HTTPBasic, PasswordVerifier
        from authmw.wsgi import AuthMiddleware
        from authmw_sqlalchemy import SQLStores

        stores = SQLStores({url!r})
        app = AuthMiddleware(lambda *_: [], Auth(HTTPBasic(PasswordVerifier(stores.users))))
    """
    with forgotten_afterwards():
        write("shop", text)
        before = run("doctor", "shop:app")
        assert "SQLUsers: the database has no tables of authmw" in before.stdout
        assert "-> run `authmw db upgrade`" in before.stdout
        assert before.exit_code == 1
        run("db", "upgrade", "--database", url)
        assert "SQLUsers answers" in run("doctor", "shop:app").stdout
        sys.modules["shop"].stores.close()
