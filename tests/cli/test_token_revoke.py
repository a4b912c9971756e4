"""`authmw tokens list` and `revoke`: what was issued is refused, and running processes are told."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator
from typing import Any

import pytest
from authmw_sqlalchemy import SQLStores
from click.testing import Result

from authmw.crypto.chained_tokens import RefreshToken
from authmw.crypto.keyring import KeyRing
from authmw.crypto.signing import issue
from authmw.issuers.diagnosis.explain import unverified
from authmw.stores.records import LONGEST_TOKEN, REVOCATION_MARGIN
from tests.cli.stored import (
    begin_browser_session,
    begin_session,
    is_browser_live,
    is_good,
    is_live,
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


class TestList:
    def test_opaque_tokens_are_listed_for_one_or_for_all_with_what_became_of_them(
        self, run: Run, document: Document, stores: SQLStores
    ) -> None:
        run("users", "create", "bob", "--no-password")
        _, first = stores.tokens.create("alice", ["orders:read"], client_id="web")
        _, second = stores.tokens.create("bob")
        run("tokens", "revoke", first.id)
        title, *rows = run("tokens", "list").stdout.splitlines()
        assert title.split() == ["ID", "SUBJECT", "CLIENT", "STATUS", "SCOPES", "SESSION"]
        assert [row.split()[:4] for row in rows] == [
            [first.id, "alice", "web", "revoked"],
            [second.id, "bob", "-", "until"],
        ]
        assert [each["id"] for each in document("tokens", "list", "bob")["tokens"]] == [second.id]

    def test_an_expired_token_is_said_to_be(self, run: Run) -> None:
        with opened(ago=60) as stores:
            stores.tokens.create("alice", lifetime=1)
        assert " expired " in run("tokens", "list").stdout

    def test_class_36_no_list_shows_a_token_or_its_digest(self, run: Run, stores: SQLStores) -> None:
        token, record = stores.tokens.create("alice")
        shown = run("tokens", "list").output + run("tokens", "list", "--json").output
        assert record.id in shown
        assert [secret in shown for secret in (token, record.digest)] == [False, False]

    def test_an_unknown_user_is_a_sentence(self, run: Run) -> None:
        assert run("tokens", "list", "nobody").stderr == "Error: there is no user 'nobody'\n"


class TestOneToken:
    @pytest.mark.parametrize("how", ["id", "text"])
    def test_an_opaque_token_is_refused_and_that_is_published(self, run: Run, stores: SQLStores, how: str) -> None:
        token, record = stores.tokens.create("alice")
        other, _ = stores.tokens.create("alice")
        done = run("tokens", "revoke", record.id) if how == "id" else run("tokens", "revoke", stdin=f"{token}\n")
        assert (done.exit_code, done.stdout) == (0, f"token {record.id}: revoked\n"), done.output
        assert [is_good(stores, each) for each in (token, other)] == [False, True]
        [revocation] = published(stores, "token", record.id)
        assert revocation.expires_at >= record.expires_at

    def test_a_signed_token_is_known_by_its_jti_until_it_expires(self, document: Document, stores: SQLStores) -> None:
        signed = issue("alice", keys=KeyRing.generate(), issuer="me", audience="orders", lifetime=600)
        read = unverified(signed)
        assert read is not None
        jti, expires_at = str(read[1]["jti"]), float(str(read[1]["exp"]))
        done = document("tokens", "revoke", stdin=f"Bearer {signed}\n")
        assert done == {"revoked": "token", "id": jti, "sessions_ended": 0}
        [revocation] = published(stores, "token", jti)
        assert expires_at <= revocation.expires_at <= expires_at + 600

    def test_a_jti_from_a_log_is_enough(self, run: Run, stores: SQLStores) -> None:
        assert run("tokens", "revoke", "--jti", "nx_alsQAS8exL6vFP27C9A").exit_code == 0
        [revocation] = published(stores, "token", "nx_alsQAS8exL6vFP27C9A")
        # Nobody says when it expires, so as late as any does.
        assert revocation.expires_at == pytest.approx(time.time() + LONGEST_TOKEN + REVOCATION_MARGIN, abs=60)

    def test_a_token_that_has_expired_needs_no_revocation(self, run: Run, stores: SQLStores) -> None:
        old = issue("alice", keys=KeyRing.generate(), issuer="me", audience="orders", clock=lambda: time.time() - 7200)
        refused = run("tokens", "revoke", stdin=old)
        assert refused.exit_code == 1
        assert "has expired" in refused.stderr
        read = unverified(old)
        assert read is not None
        assert published(stores, "token", str(read[1]["jti"])) == []

    @pytest.mark.parametrize("text", ["a.b.c", "e30.e30.", "\x1b[2J.x.y"], ids=["no JSON", "no jti", "a terminal's"])
    def test_a_signed_token_without_a_jti_is_a_sentence_with_a_way_out(self, run: Run, text: str) -> None:
        refused = run("tokens", "revoke", stdin=text)
        assert (refused.exit_code, refused.stdout) == (1, "")
        assert "--user" in refused.stderr
        assert "\x1b" not in refused.stderr

    @pytest.mark.parametrize("text", ["at_unknown", "nonsense", "rt_" + "0" * 68, "rt_", "\x00"])
    def test_an_unknown_token_is_a_sentence_that_does_not_repeat_it(self, run: Run, text: str) -> None:
        refused = run("tokens", "revoke", stdin=text)
        assert (refused.exit_code, refused.stdout, refused.stderr.count("\n")) == (1, "", 1)
        assert text not in refused.stderr

    def test_an_unknown_id_is_a_sentence(self, run: Run) -> None:
        assert run("tokens", "revoke", "tok_unknown").stderr == "Error: there is no token 'tok_unknown'\n"

    def test_revoking_again_is_no_harm(self, run: Run, stores: SQLStores) -> None:
        token, record = stores.tokens.create("alice")
        assert [run("tokens", "revoke", record.id).exit_code for _ in range(2)] == [0, 0]
        assert [run("tokens", "revoke", stdin=token).exit_code for _ in range(2)] == [0, 0]


class TestMany:
    @pytest.mark.parametrize(
        "option, kind, id",
        [
            (["--user", "alice"], "user", "alice"),
            (["--client", "web"], "client", "web"),
            (["--session", "fam_1"], "family", "fam_1"),
        ],
        ids=["a user", "a client", "a session"],
    )
    def test_all_that_is_named_ends_and_nothing_else(
        self, run: Run, stores: SQLStores, option: list[str], kind: Any, id: str
    ) -> None:
        meant = begin_session(stores, "fam_1")
        other = begin_session(stores, "fam_2", subject="bob", client_id="phone")
        done = run("tokens", "revoke", *option)
        assert done.exit_code == 0, done.output
        assert done.stdout.endswith(f"{id}: revoked, 1 session ended\n")
        assert [is_good(stores, each) for each in (meant, other)] == [False, True]
        assert [is_live(stores, "fam_1"), is_live(stores, "fam_2", "bob")] == [False, True]
        assert published(stores, kind, id)

    @pytest.mark.parametrize(
        "option, sessions", [(["--user", "alice"], 2), (["--session", "sid_1"], 1)], ids=["a user", "a session"]
    )
    def test_browser_sessions_end_too(self, run: Run, stores: SQLStores, option: list[str], sessions: int) -> None:
        begin_browser_session(stores, "sid_1")
        begin_session(stores, "fam_1", session_id="sid_1")
        begin_browser_session(stores, "sid_2", subject="bob")
        assert f"{sessions} session" in run("tokens", "revoke", *option).stdout
        assert [is_browser_live(stores, "sid_1"), is_live(stores, "fam_1")] == [False, False]
        assert is_browser_live(stores, "sid_2", "bob")
        assert published(stores, "family", "sid_1")

    def test_a_refresh_token_ends_its_session(self, run: Run, stores: SQLStores) -> None:
        refresh = RefreshToken.new("https://id.example")
        token = begin_session(stores, "fam_1", key=refresh.key)
        assert run("tokens", "revoke", stdin=refresh.text).stdout == "session fam_1: revoked, 1 session ended\n"
        assert not is_good(stores, token)
        assert not is_live(stores, "fam_1")

    @pytest.mark.parametrize("option", ["--user", "--session"])
    def test_what_is_not_there_is_a_sentence(self, run: Run, option: str) -> None:
        refused = run("tokens", "revoke", option, "nobody")
        assert (refused.exit_code, refused.stdout) == (1, "")
        assert "'nobody'" in refused.stderr


def test_one_thing_is_revoked_at_a_time(run: Run) -> None:
    assert run("tokens", "revoke", "tok_1", "--user", "alice").exit_code == 2


def test_nothing_is_a_usage_error(run: Run) -> None:
    assert run("tokens", "revoke").exit_code == 2
