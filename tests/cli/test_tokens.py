"""`authmw tokens issue` and `explain`."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from authmw.crypto.keyring import KeyRing
from authmw.crypto.signing import issue
from authmw.identity.credentials import BearerToken
from authmw.identity.verdict import Authenticated
from authmw.issuers.diagnosis.explain import unverified
from authmw.verifiers.jwt import JWTVerifier

Run = Callable[..., Result]
Document = Callable[..., dict[str, Any]]

ISSUER, AUDIENCE = "https://me.example", "orders"


@pytest.fixture
def settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUTHMW_ISSUER", ISSUER)
    monkeypatch.setenv("AUTHMW_AUDIENCE", AUDIENCE)


def claims(token: str) -> dict[str, Any]:
    read = unverified(token)
    assert read is not None
    return read[1]


class TestIssue:
    pytestmark = pytest.mark.usefixtures("alice", "settings")

    def test_only_the_token_is_on_standard_output_and_it_verifies(self, run: Run) -> None:
        issued = run("tokens", "issue", "alice")
        assert (issued.exit_code, issued.stdout.count("\n")) == (0, 1)
        verifier = JWTVerifier(KeyRing.load("keys.json"), issuer=ISSUER, audience=AUDIENCE)
        verdict = verifier.verify(BearerToken(issued.stdout.strip()))
        assert isinstance(verdict, Authenticated)
        assert (verdict.principal.id, verdict.principal.scopes) == ("alice", frozenset({"orders:read", "orders:write"}))

    def test_the_first_token_makes_the_ring_and_says_so(self, run: Run, directory: Path) -> None:
        assert "keys.json: made a new key ring" in run("tokens", "issue", "alice").stderr
        before = (directory / "keys.json").read_bytes()
        assert run("tokens", "issue", "alice").stderr == ""
        assert (directory / "keys.json").read_bytes() == before

    def test_the_document_is_that_of_a_token_endpoint(self, document: Document) -> None:
        issued = document("tokens", "issue", "alice", "--scope", "orders:read", "--lifetime", "2h")
        token = issued.pop("access_token")
        assert issued == {"token_type": "Bearer", "expires_in": 7200, "scope": "orders:read"}
        assert claims(token)["exp"] - claims(token)["iat"] == 7200
        assert claims(token)["scope"] == "orders:read"

    def test_class_20_no_token_has_more_scopes_than_its_user(self, run: Run, directory: Path) -> None:
        refused = run("tokens", "issue", "alice", "--scope", "orders:admin")
        assert (refused.exit_code, refused.stdout) == (1, "")
        assert "does not have orders:admin" in refused.stderr
        assert not (directory / "keys.json").exists()

    def test_a_disabled_user_gets_none(self, run: Run) -> None:
        run("users", "disable", "alice")
        refused = run("tokens", "issue", "alice")
        assert (refused.exit_code, refused.stdout) == (1, "")
        assert "is disabled" in refused.stderr

    def test_an_unknown_user_gets_none(self, run: Run) -> None:
        refused = run("tokens", "issue", "bob")
        assert (refused.exit_code, refused.stdout) == (1, "")
        assert refused.stderr == "Error: there is no user 'bob'\n"

    def test_none_outlives_the_memory_of_revocations(self, run: Run, directory: Path) -> None:
        refused = run("tokens", "issue", "alice", "--lifetime", "401d")
        assert (refused.exit_code, refused.stdout) == (1, "")
        assert "400 days at most" in refused.stderr
        assert not (directory / "keys.json").exists()
        assert run("tokens", "issue", "alice", "--lifetime", "400d").exit_code == 0

    def test_the_old_name_of_the_command_still_issues(self, run: Run) -> None:
        assert run("token", "issue", "alice").exit_code == 0

    @pytest.mark.parametrize("name", ["ISSUER", "AUDIENCE"])
    def test_who_signs_and_for_whom_has_to_be_said_in_production(
        self, run: Run, name: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.delenv(f"AUTHMW_{name}")
        assert run("tokens", "issue", "alice").exit_code == 0
        for said in ("ENV", "DATABASE", "KEYS"):
            monkeypatch.setenv(
                f"AUTHMW_{said}", {"ENV": "production", "DATABASE": "sqlite:///app.db"}.get(said, "keys.json")
            )
        refused = run("tokens", "issue", "alice")
        assert refused.exit_code == 1
        assert f"AUTHMW_ENV=production: set AUTHMW_{name}" in refused.stderr
        assert run("tokens", "issue", "alice", f"--{name.lower()}", "given").exit_code == 0


class TestExplain:
    pytestmark = pytest.mark.usefixtures("settings")

    @pytest.fixture
    def ring(self) -> KeyRing:
        ring = KeyRing.generate()
        ring.save("keys.json")
        return ring

    @pytest.fixture
    def token(self, ring: KeyRing) -> str:
        return issue("alice", keys=ring, issuer=ISSUER, audience=AUDIENCE, scopes=["orders:read"])

    @pytest.mark.parametrize("before", ["", "Bearer ", "  "])
    def test_a_good_token_is_accepted(self, run: Run, token: str, before: str) -> None:
        explained = run("tokens", "explain", stdin=f"{before}{token}\n")
        assert explained.exit_code == 0, explained.output
        assert "ok  signature" in explained.stdout
        assert "accepted" in explained.stdout.splitlines()[-1]

    @pytest.mark.parametrize("argument", ["given", "-"])
    def test_it_may_be_an_argument_or_a_dash(self, run: Run, token: str, argument: str) -> None:
        given = {"given": (token, ""), "-": ("-", token)}[argument]
        assert run("tokens", "explain", given[0], stdin=given[1]).exit_code == 0

    def test_nothing_that_is_printed_is_a_token(self, run: Run, token: str) -> None:
        explained = (
            run("tokens", "explain", stdin=token).output + run("tokens", "explain", "--json", stdin=token).output
        )
        assert token.rpartition(".")[2] not in explained

    def test_an_expired_one_is_refused_with_the_next_step(self, run: Run, ring: KeyRing) -> None:
        old = issue("alice", keys=ring, issuer=ISSUER, audience=AUDIENCE, clock=lambda: time.time() - 3600)
        explained = run("tokens", "explain", stdin=old)
        assert explained.exit_code == 1
        times = next(line for line in explained.stdout.splitlines() if " times " in line)
        assert times.startswith("FAILS")
        assert "get a new token" in times
        assert "authmw.token-expired" in explained.stdout.splitlines()[-1]

    @pytest.mark.parametrize("name, given", [("issuer", "https://other.example"), ("audience", "other")])
    def test_a_token_from_or_for_another_is_refused(self, run: Run, token: str, name: str, given: str) -> None:
        explained = run("tokens", "explain", f"--{name}", given, stdin=token)
        assert explained.exit_code == 1
        assert f"FAILS  {name}" in explained.stdout

    @pytest.mark.usefixtures("ring")
    def test_one_signed_by_another_key_is_refused(self, run: Run) -> None:
        foreign = issue("alice", keys=KeyRing.generate(), issuer=ISSUER, audience=AUDIENCE)
        explained = run("tokens", "explain", stdin=foreign)
        assert explained.exit_code == 1
        assert "FAILS  signature" in explained.stdout

    @pytest.mark.parametrize("audience", [AUDIENCE, ["orders", "shop"]], ids=["one", "two"])
    def test_what_is_not_given_is_said_not_to_be_compared(
        self, document: Document, ring: KeyRing, audience: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.delenv("AUTHMW_ISSUER")
        monkeypatch.delenv("AUTHMW_AUDIENCE")
        token = issue("alice", keys=ring, issuer=ISSUER, audience=audience)
        explained = document("tokens", "explain", token)
        skipped = {each["check"]: each["words"] for each in explained["findings"] if "not compared" in each["words"]}
        assert explained["accepted"] is True
        assert set(skipped) == {"issuer", "audience"}
        assert "AUTHMW_AUDIENCE" in skipped["audience"]

    def test_without_keys_it_is_read_and_not_accepted(self, run: Run, token: str, directory: Path) -> None:
        (directory / "keys.json").unlink()
        explained = run("tokens", "explain", stdin=token)
        assert explained.exit_code == 1
        assert "sub='alice'" in explained.stdout
        assert "not verified: keys.json does not exist" in explained.stdout

    @pytest.mark.usefixtures("ring")
    @pytest.mark.parametrize("text", ["at_opaque", "a.b.c", "....", "\x1b[2J.\x1b[2J.x", "\u202e.x.y", "a" * 100_000])
    def test_what_is_no_token_is_said_in_words(self, run: Run, text: str) -> None:
        explained = run("tokens", "explain", stdin=text)
        assert (explained.exit_code, explained.stderr) == (1, "")
        assert "FAILS" in explained.stdout
        assert "\x1b" not in explained.stdout

    @pytest.mark.usefixtures("ring")
    def test_bytes_that_are_no_text_are_refused(self, run: Run) -> None:
        assert run("tokens", "explain", stdin=b"\xff\xfe.x.y").exit_code == 1

    def test_nothing_is_a_usage_error(self, run: Run) -> None:
        assert run("tokens", "explain").exit_code == 2
