"""`authmw keys`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from authmw_sqlalchemy import SQLStores
from click.testing import Result

from authmw.crypto.opaque_tokens import has_checksum, token_digest

Run = Callable[..., Result]
Document = Callable[..., dict[str, Any]]

pytestmark = pytest.mark.usefixtures("alice")


def test_only_the_key_is_on_standard_output(run: Run) -> None:
    created = run("keys", "create", "alice")
    assert created.exit_code == 0
    assert has_checksum(created.stdout.removesuffix("\n"), "ak")
    assert "shown only this once" in created.stderr


def test_class_36_a_key_is_shown_once_and_stored_as_a_digest(run: Run, document: Document, directory: Path) -> None:
    created = document("keys", "create", "alice")
    key, key_id = created["key"], created["id"]
    stores = SQLStores("sqlite:///app.db")
    record = stores.keys.find_key(token_digest(key))
    stores.close()
    assert record is not None
    assert record.id == key_id
    assert key not in run("keys", "list").output + run("keys", "list", "--json").output
    assert key not in run("keys", "revoke", key_id).output
    assert all(key.encode() not in path.read_bytes() for path in directory.iterdir())


@pytest.mark.parametrize(
    "asked, given",
    [([], ["orders:read", "orders:write"]), (["--scope", "orders:read"], ["orders:read"])],
    ids=["all by default", "some"],
)
def test_a_key_has_scopes_of_its_user(document: Document, asked: list[str], given: list[str]) -> None:
    assert document("keys", "create", "alice", *asked)["scopes"] == given


def test_a_key_never_has_more_scopes_than_its_user(run: Run, document: Document) -> None:
    refused = run("keys", "create", "alice", "--scope", "orders:read", "--scope", "orders:admin")
    assert (refused.exit_code, refused.stdout) == (1, "")
    assert "does not have orders:admin" in refused.stderr
    assert document("keys", "list") == {"keys": []}


def test_a_key_may_expire(document: Document) -> None:
    created = document("keys", "create", "alice", "--lifetime", "90d", "--name", "laptop")
    assert created["expires_at"] - created["created_at"] == 90 * 86400
    assert created["name"] == "laptop"


@pytest.mark.parametrize("lifetime", ["90", "-1d", "0s", "1w", "1.5h", "d", "9999999999d"])
def test_what_is_no_duration_is_a_usage_error(run: Run, lifetime: str) -> None:
    refused = run("keys", "create", "alice", "--lifetime", lifetime)
    assert refused.exit_code == 2
    assert "write 30s, 10m, 12h or 90d" in refused.stderr


def test_keys_are_listed_for_one_or_for_all_with_what_became_of_them(run: Run, document: Document) -> None:
    run("users", "create", "bob", "--no-password")
    first = document("keys", "create", "alice", "--name", "laptop")["id"]
    second = document("keys", "create", "bob", "--lifetime", "1d")["id"]
    assert document("keys", "revoke", first)["revoked_at"] is not None
    title, *rows = run("keys", "list").stdout.splitlines()
    assert title.split() == ["ID", "OWNER", "STATUS", "SCOPES", "LAST", "USED", "NAME"]
    assert [row.split()[:3] for row in rows] == [[first, "alice", "revoked"], [second, "bob", "until"]]
    assert [key["id"] for key in document("keys", "list", "bob")["keys"]] == [second]


def test_revoking_again_is_no_harm(run: Run, document: Document) -> None:
    key_id = document("keys", "create", "alice")["id"]
    assert run("keys", "revoke", key_id).stdout == f"{key_id}: revoked\n"
    assert run("keys", "revoke", key_id).exit_code == 0


@pytest.mark.parametrize("command", [["create", "bob"], ["list", "bob"], ["revoke", "key_unknown"]], ids=" ".join)
def test_an_unknown_user_or_key_is_a_sentence(run: Run, command: list[str]) -> None:
    refused = run("keys", *command)
    assert (refused.exit_code, refused.stdout, refused.stderr.count("\n")) == (1, "", 1)
    assert command[1] in refused.stderr
