"""The commands that end something, where sessions and tokens are in Redis: there too, and published there."""

from __future__ import annotations

import importlib
import json
import os
import sys
from collections.abc import Callable, Generator
from functools import partial
from typing import Any

import authmw_redis
import pytest
from click.testing import Result

from authmw.crypto.chained_tokens import RefreshToken
from tests.cli.stored import (
    begin_browser_session,
    begin_session,
    is_browser_live,
    is_good,
    is_live,
    is_pending,
    published,
)
from tests.support import require

Run = Callable[..., Result]
Document = Callable[..., dict[str, Any]]

redis: Any = importlib.import_module("redis")  # half typed
URL = "redis://127.0.0.1:6379/0"

pytestmark = [pytest.mark.servers, pytest.mark.usefixtures("alice")]


@pytest.fixture
def stores(monkeypatch: pytest.MonkeyPatch) -> Generator[authmw_redis.RedisStores]:
    """Stores under a prefix of their own, which `AUTHMW_REDIS` names for the command."""
    require("redis")
    prefix = f"authmw-test-cli-{os.getpid()}"
    prefixed = partial(authmw_redis.RedisStores, prefix=prefix)
    monkeypatch.setattr(authmw_redis, "RedisStores", prefixed)
    monkeypatch.setenv("AUTHMW_REDIS", URL)
    stores = prefixed(URL)
    yield stores
    stores.close()
    with redis.Redis.from_url(URL) as client:
        for key in client.scan_iter(match=f"{prefix}*"):
            client.delete(key)


@pytest.mark.parametrize(
    "command, stdin, kind, id",
    [
        (["users", "disable", "alice"], "", "user", "alice"),
        (["users", "delete", "alice", "--yes"], "", "user", "alice"),
        (["users", "set-password", "alice", "--password-stdin"], "another one\n", "user", "alice"),
        (["clients", "disable", "web"], "", "client", "web"),
        (["tokens", "revoke", "--user", "alice"], "", "user", "alice"),
        (["tokens", "revoke", "--client", "web"], "", "client", "web"),
        (["tokens", "revoke", "--session", "fam_1"], "", "family", "fam_1"),
        (["sessions", "end", "fam_1"], "", "family", "fam_1"),
    ],
    ids=[
        "disable a user",
        "delete a user",
        "a password",
        "disable a client",
        "all of a user",
        "all of a client",
        "a session",
        "end",
    ],
)
def test_what_is_meant_ends_and_nothing_else(
    run: Run, stores: authmw_redis.RedisStores, command: list[str], stdin: str, kind: Any, id: str
) -> None:
    run("clients", "create", "web")
    meant = begin_session(stores, "fam_1")
    other = begin_session(stores, "fam_2", subject="bob", client_id="phone")
    begin_browser_session(stores, "sid_1")
    begin_browser_session(stores, "sid_2", subject="bob")
    done = run(*command, stdin=stdin)
    assert done.exit_code == 0, done.output
    goes_on = kind != "user"
    assert [is_browser_live(stores, "sid_1"), is_browser_live(stores, "sid_2", "bob")] == [goes_on, True]
    assert [is_pending(stores), is_pending(stores, "bob")] == [goes_on, True]
    assert [is_good(stores, each) for each in (meant, other)] == [False, True]
    assert [is_live(stores, "fam_1"), is_live(stores, "fam_2", "bob")] == [False, True]
    assert published(stores, kind, id)


def test_a_token_is_listed_and_revoked_by_its_id(document: Document, stores: authmw_redis.RedisStores) -> None:
    token, record = stores.tokens.create("alice")
    assert [each["id"] for each in document("tokens", "list", "alice")["tokens"]] == [record.id]
    assert document("tokens", "revoke", record.id)["id"] == record.id
    assert not is_good(stores, token)
    assert published(stores, "token", record.id)


def test_an_opaque_and_a_refresh_token_are_revoked_as_they_stand(run: Run, stores: authmw_redis.RedisStores) -> None:
    token, record = stores.tokens.create("alice")
    assert run("tokens", "revoke", stdin=token).stdout == f"token {record.id}: revoked\n"
    refresh = RefreshToken.new("https://id.example")
    begin_session(stores, "fam_1", key=refresh.key)
    assert run("tokens", "revoke", stdin=refresh.text).exit_code == 0
    assert not is_good(stores, token)
    assert not is_live(stores, "fam_1")


def test_a_jti_is_published_there(run: Run, stores: authmw_redis.RedisStores) -> None:
    assert run("tokens", "revoke", "--jti", "some-jti").exit_code == 0
    assert published(stores, "token", "some-jti")


def test_sessions_there_are_listed(document: Document, stores: authmw_redis.RedisStores) -> None:
    begin_session(stores, "fam_1")
    assert [each["id"] for each in document("sessions", "list", "alice")["sessions"]] == ["fam_1"]


def test_a_link_there_that_was_mailed_to_an_old_address_is_worth_nothing(
    run: Run, stores: authmw_redis.RedisStores
) -> None:
    begin_browser_session(stores, "sid_1")
    assert run("users", "set-email", "alice", "new@shop.example").exit_code == 0
    assert not is_pending(stores)
    assert is_browser_live(stores, "sid_1")


def test_a_browser_session_there_is_listed_and_ends(document: Document, stores: authmw_redis.RedisStores) -> None:
    begin_browser_session(stores, "sid_1")
    token = begin_session(stores, "fam_1", session_id="sid_1")
    assert [each["id"] for each in document("sessions", "list", "alice")["browser_sessions"]] == ["sid_1"]
    assert document("sessions", "end", "sid_1")["ended_at"] is not None
    assert [is_browser_live(stores, "sid_1"), is_live(stores, "fam_1"), is_good(stores, token)] == [False] * 3
    assert published(stores, "family", "sid_1")


def test_an_export_has_what_is_there_and_a_user_is_shown_with_it(
    document: Document, run: Run, stores: authmw_redis.RedisStores
) -> None:
    token = begin_session(stores, "fam_1", name="Firefox")
    begin_browser_session(stores, "sid_1")
    exported = run("users", "export", "alice").stdout
    found = json.loads(exported)
    assert [(each["id"], each["name"]) for each in found["sessions"]] == [("fam_1", "Firefox")]
    assert [each["session"] for each in found["tokens"]] == ["fam_1"]
    assert token not in exported
    assert [each["id"] for each in found["browser_sessions"]] == ["sid_1"]
    assert [each["kind"] for each in found["pending"]] == ["recovery"]
    shown = document("users", "show", "alice")
    assert (shown["sessions"], shown["browser_sessions"]) == (1, 1)


class TestOutOfReach:
    """What is said when Redis does not answer. Nothing listens on that port."""

    AWAY = "redis://:hunter2@127.0.0.1:1/0"

    @pytest.mark.parametrize(
        "command",
        [
            ["users", "disable", "alice"],
            ["users", "delete", "alice", "--yes"],
            ["sessions", "list", "alice"],
            ["tokens", "revoke", "--jti", "j"],
        ],
        ids=" ".join,
    )
    def test_it_is_a_sentence_without_the_password(self, run: Run, command: list[str]) -> None:
        refused = run(*command, "--redis", self.AWAY)
        assert (refused.exit_code, refused.stdout, refused.stderr.count("\n")) == (1, "", 1)
        assert refused.stderr.startswith("Error: Redis does not answer: ")
        assert "hunter2" not in refused.output

    def test_what_could_be_refused_is_refused_already(self, run: Run, document: Document) -> None:
        run("users", "disable", "alice", "--redis", self.AWAY)
        assert document("users", "list")["users"][0]["disabled"] is True


def test_what_is_no_url_is_a_sentence_before_anything_is_changed(run: Run, document: Document) -> None:
    refused = run("users", "disable", "alice", "--redis", "http://:hunter2@localhost")
    assert refused.exit_code == 1
    assert "redis://" in refused.stderr
    assert "hunter2" not in refused.output
    assert document("users", "list")["users"][0]["disabled"] is False


def test_without_the_extra_for_redis_it_says_how_to_install_it(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "authmw_redis", None)
    refused = run("users", "disable", "alice", "--redis", URL)
    assert refused.exit_code == 1
    assert 'pip install "authmw[redis]"' in refused.stderr
