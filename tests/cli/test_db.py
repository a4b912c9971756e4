"""`authmw db`."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from tests.support import ROOT, require

Run = Callable[..., Result]
Document = Callable[..., dict[str, Any]]


def of_the_first_demo(path: Path) -> None:
    """A database from before there were migrations."""
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript((ROOT / "tests" / "data" / "first_demo" / "demo.sql").read_text())


def test_upgrade_makes_the_tables_for_their_owner_alone_and_again_is_no_harm(run: Run, directory: Path) -> None:
    upgraded = run("db", "upgrade")
    assert (upgraded.exit_code, upgraded.stdout) == (0, "upgraded\n")
    assert not (directory / "app.db").stat().st_mode & 0o077
    assert run("users", "list").exit_code == 0
    assert run("db", "upgrade").stdout == "up to date already\n"


def test_a_database_from_before_is_found_out_and_upgraded_with_what_is_in_it(
    run: Run, document: Document, directory: Path
) -> None:
    of_the_first_demo(directory / "app.db")
    found = run("db", "check")
    assert found.exit_code == 1
    assert "the table authmw_clients is missing: run `authmw db upgrade`" in found.stdout.splitlines()
    assert document("db", "upgrade") == {"upgraded": True}
    assert document("db", "check") == {"up_to_date": True, "missing": []}
    assert [user["username"] for user in document("users", "list")["users"]] == ["alice"]
    assert document("db", "upgrade") == {"upgraded": False}


def test_check_changes_nothing(run: Run, directory: Path) -> None:
    of_the_first_demo(directory / "app.db")
    before = (directory / "app.db").read_bytes()
    run("db", "check")
    assert (directory / "app.db").read_bytes() == before


def test_a_database_that_is_not_there_is_not_up_to_date_and_is_not_made(run: Run, directory: Path) -> None:
    found = run("db", "check", "--json")
    assert (found.exit_code, '"up_to_date": false' in found.stdout) == (1, True)
    assert "app.db" in found.stdout
    assert list(directory.iterdir()) == []


def test_the_sql_makes_the_same_tables(run: Run, document: Document, directory: Path) -> None:
    written = run("db", "sql")
    assert written.exit_code == 0
    assert list(directory.iterdir()) == []
    with closing(sqlite3.connect(directory / "app.db")) as connection:
        connection.executescript(written.stdout)
    assert document("db", "check") == {"up_to_date": True, "missing": []}
    assert document("db", "sql")["sql"].strip() == written.stdout.strip()


def test_the_sql_is_in_the_words_of_the_database_that_the_url_names(run: Run) -> None:
    url = "postgresql+psycopg://authmw:hunter2@nowhere.example/app"
    written = run("db", "sql", "--database", url)
    assert written.exit_code == 0
    assert "CREATE TABLE authmw_users" in written.stdout
    assert "hunter2" not in written.output


@pytest.mark.servers
@pytest.mark.parametrize("command", ["upgrade", "check"])
def test_class_36_the_password_of_a_database_out_of_reach_is_not_repeated(run: Run, command: str) -> None:
    require("postgresql")
    refused = run("db", command, "--database", "postgresql+psycopg://authmw:hunter2@127.0.0.1:1/app")
    assert (refused.exit_code, refused.stdout, refused.stderr.count("\n")) == (1, "", 1)
    assert "the database does not answer" in refused.stderr
    assert "hunter2" not in refused.output
