"""`authmw sessions`, and the other commands that end them."""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Any

import pytest
from authmw_sqlalchemy import SQLStores
from click.testing import Result

from tests.cli.stored import begin_session, is_good, is_live, opened, published

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
    title, *rows = run("sessions", "list", "alice").stdout.splitlines()
    assert title.split() == ["ID", "CLIENT", "SINCE", "LAST", "USED", "UNTIL", "SCOPES", "NAME"]
    assert [(row.split()[:2], row.split()[-1]) for row in rows] == [
        (["fam_1", "web"], "Firefox"),
        (["fam_2", "phone"], "-"),
    ]
    assert [each["id"] for each in document("sessions", "list", "alice")["sessions"]] == ["fam_1", "fam_2"]


def test_class_36_no_list_shows_a_digest(run: Run, stores: SQLStores) -> None:
    begin_session(stores, "fam_1")
    [family] = stores.families.families_of("alice", 0.0)
    shown = run("sessions", "list", "alice").output + run("sessions", "list", "alice", "--json").output
    assert [secret in shown for secret in (family.key, family.current)] == [False, False]


def test_one_session_ends_with_its_tokens_and_again_is_no_harm(run: Run, document: Document, stores: SQLStores) -> None:
    tokens = [begin_session(stores, "fam_1"), begin_session(stores, "fam_2")]
    assert document("sessions", "end", "fam_1")["revoked_at"] is not None
    assert [is_good(stores, token) for token in tokens] == [False, True]
    assert [is_live(stores, each) for each in ("fam_1", "fam_2")] == [False, True]
    assert published(stores, "family", "fam_1")
    assert run("sessions", "end", "fam_1").stdout == "fam_1: ended\n"


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
    assert run(*command, stdin=stdin).exit_code == 0
    assert [is_live(stores, "fam_1"), is_live(stores, "fam_2", "bob")] == [False, True]
    assert [is_good(stores, each) for each in (meant, other)] == [False, True]
    assert published(stores, kind, id)
