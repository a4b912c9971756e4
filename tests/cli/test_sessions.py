"""`authmw sessions`, and the other commands that end them."""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Any

import pytest
from authmw_sqlalchemy import SQLStores
from click.testing import Result

from tests.cli.stored import (
    begin_browser_session,
    begin_session,
    is_browser_live,
    is_good,
    is_live,
    is_pending,
    opened,
    published,
)

Run = Callable[..., Result]
Document = Callable[..., dict[str, Any]]

pytestmark = pytest.mark.usefixtures("alice")


@pytest.fixture
def stores(alice: str) -> Generator[SQLStores]:
    with opened() as stores:
        yield stores


def test_the_sessions_of_a_user_are_listed_the_oldest_first(run: Run, document: Document, stores: SQLStores) -> None:
    begin_session(stores, "fam_1", name="Firefox")
    begin_session(stores, "fam_2", client_id="phone")
    begin_session(stores, "fam_3", subject="bob")
    begin_browser_session(stores, "sid_1", name="Chromium")
    begin_browser_session(stores, "sid_2", subject="bob")
    title, *rows = run("sessions", "list", "alice").stdout.splitlines()
    assert title.split() == ["ID", "KIND", "CLIENT", "SINCE", "LAST", "USED", "UNTIL", "SCOPES", "NAME"]
    assert [(row.split()[:3], row.split()[-1]) for row in rows] == [
        (["fam_1", "tokens", "web"], "Firefox"),
        (["fam_2", "tokens", "phone"], "-"),
        (["sid_1", "browser", "-"], "Chromium"),
    ]
    listed = document("sessions", "list", "alice")
    assert [each["id"] for each in listed["sessions"]] == ["fam_1", "fam_2"]
    assert [each["id"] for each in listed["browser_sessions"]] == ["sid_1"]


def test_class_36_no_list_shows_a_digest(run: Run, stores: SQLStores) -> None:
    begin_session(stores, "fam_1")
    [family] = stores.families.families_of("alice", 0.0)
    session = begin_browser_session(stores, "sid_1")
    shown = run("sessions", "list", "alice").output + run("sessions", "list", "alice", "--json").output
    assert [secret in shown for secret in (family.key, family.current, session.key, session.current)] == [False] * 4


def test_one_session_ends_with_its_tokens_and_again_is_no_harm(run: Run, document: Document, stores: SQLStores) -> None:
    tokens = [begin_session(stores, "fam_1"), begin_session(stores, "fam_2")]
    assert document("sessions", "end", "fam_1")["revoked_at"] is not None
    assert [is_good(stores, token) for token in tokens] == [False, True]
    assert [is_live(stores, each) for each in ("fam_1", "fam_2")] == [False, True]
    assert published(stores, "family", "fam_1")
    assert run("sessions", "end", "fam_1").stdout == "fam_1: ended\n"


def test_a_browser_session_ends_with_its_chains_of_tokens(run: Run, document: Document, stores: SQLStores) -> None:
    session, _ = begin_browser_session(stores, "sid_1"), begin_browser_session(stores, "sid_2")
    tokens = [begin_session(stores, "fam_1", session_id="sid_1"), begin_session(stores, "fam_2", session_id="sid_2")]
    ended = document("sessions", "end", "sid_1")
    assert (ended["id"], ended["ended_at"] is None) == ("sid_1", False)
    assert [is_browser_live(stores, each) for each in ("sid_1", "sid_2")] == [False, True]
    assert [is_live(stores, each) for each in ("fam_1", "fam_2")] == [False, True]
    assert [is_good(stores, token) for token in tokens] == [False, True]
    assert [len(published(stores, "family", each)) for each in ("sid_1", "fam_1", "sid_2", "fam_2")] == [1, 1, 0, 0]
    assert run("sessions", "end", "sid_1").stdout == "sid_1: ended\n"
    found = stores.sessions.find_session(session.key)
    assert found is not None
    assert found.ended_at == ended["ended_at"], "as of the first time"


@pytest.mark.parametrize("command", [["end", "fam_unknown"], ["list", "nobody"]], ids=" ".join)
def test_an_unknown_session_or_user_is_a_sentence(run: Run, command: list[str]) -> None:
    refused = run("sessions", *command)
    assert (refused.exit_code, refused.stdout, refused.stderr.count("\n")) == (1, "", 1)


@pytest.mark.parametrize(
    "command, stdin, kind, id",
    [
        (["users", "disable", "alice"], "", "user", "alice"),
        (["users", "set-password", "alice", "--password-stdin"], "another one\n", "user", "alice"),
        (["clients", "disable", "web"], "", "client", "web"),
    ],
    ids=["disabling a user", "a new password", "disabling a client"],
)
def test_sessions_and_tokens_end_with(
    run: Run, stores: SQLStores, command: list[str], stdin: str, kind: Any, id: str
) -> None:
    run("clients", "create", "web")
    meant = begin_session(stores, "fam_1")
    other = begin_session(stores, "fam_2", subject="bob", client_id="phone")
    begin_browser_session(stores, "sid_1")
    begin_browser_session(stores, "sid_2", subject="bob")
    assert run(*command, stdin=stdin).exit_code == 0
    assert [is_browser_live(stores, "sid_1"), is_browser_live(stores, "sid_2", "bob")] == [kind == "client", True]
    assert [is_pending(stores), is_pending(stores, "bob")] == [kind == "client", True]
    assert [is_live(stores, "fam_1"), is_live(stores, "fam_2", "bob")] == [False, True]
    assert [is_good(stores, each) for each in (meant, other)] == [False, True]
    assert published(stores, kind, id)
