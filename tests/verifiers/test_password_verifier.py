"""Verifying a user name and password: the verdicts, and that nobody learns which users there are."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authmw.crypto.passwords import CHEAPEST, Argon2Profile, Match, PasswordHasher
from authmw.errors import StoreUnavailable
from authmw.flow.flow import Flow, run, run_async
from authmw.http.reasons import Reason
from authmw.http.request import WSGIRequest
from authmw.identity.credentials import BasicCredentials
from authmw.identity.verdict import Authenticated, Rejected, Verdict
from authmw.stores.records import User
from authmw.verifiers.accounts import source_key
from authmw.verifiers.password import PasswordVerifier

HASHER = PasswordHasher(CHEAPEST)
OLD = PasswordHasher(Argon2Profile(memory=16, time=1, lanes=1)).hash("s3cret")
# Made by Werkzeug 3.1: generate_password_hash("s3cret", "pbkdf2:sha256:100").
LEGACY = "pbkdf2:sha256:100$5pqqkQmir87YrOVh$d3d8cecf7e65e6f3bd1010565d3dfef227c2356a3ba61ef9af66c04ee08ee1cd"
REQUEST = WSGIRequest({"REQUEST_METHOD": "GET", "REMOTE_ADDR": "192.0.2.7"})
USERS = {
    user.username: user
    for user in (
        User("1", "alice", HASHER.hash("s3cret"), frozenset({"orders:read"}), attributes={"team": "blue"}),
        User("2", "disabled", HASHER.hash("s3cret"), disabled=True),
        User("3", "keyonly", None),
        User("4", "emptyhash", ""),
        User("5", "old", OLD),
        User("6", "legacy", LEGACY),
        User("7", "disabledlegacy", LEGACY, disabled=True),
        User("8", "Zoë", HASHER.hash("s3cret")),
    )
}


class Users:
    """A store of users that remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def find(self, username: str) -> User | None:
        self.asked.append(username)
        return USERS.get(username)


class UpgradingUsers(Users):
    """One that can also save a better hash."""

    def __init__(self, failure: Exception | None = None) -> None:
        super().__init__()
        self.saved: list[tuple[str, str, str]] = []
        self._failure = failure

    def replace_password_hash(self, user_id: str, old: str, new: str) -> bool:
        if self._failure is not None:
            raise self._failure
        self.saved.append((user_id, old, new))
        return True


class AsyncUsers(Users):
    """The same, for an event loop."""

    async def find(self, username: str) -> User | None:  # type: ignore[override]  # the port allows both
        return super().find(username)


class Throttle:
    """Counts, and makes those keys wait that it was told to."""

    def __init__(self, **waits: float) -> None:
        self.waits = {key.replace("_", ":", 1): wait for key, wait in waits.items()}
        self.attempts: list[tuple[str, float]] = []
        self.successes: list[str] = []

    def attempt(self, key: str, now: float) -> float:
        self.attempts.append((key, now))
        return self.waits.get(key, 0.0)

    def succeeded(self, key: str) -> None:
        self.successes.append(key)


def verifier(users: Users | None = None, throttle: Throttle | None = None) -> PasswordVerifier:
    return PasswordVerifier(users or Users(), hasher=HASHER, throttle=throttle, clock=lambda: 1000.0)


def verify(username: str, password: str = "s3cret", *, by: PasswordVerifier | None = None) -> Verdict:
    return run((by or verifier()).verify(BasicCredentials(username, password), REQUEST))


def questions(flow: Flow[Verdict]) -> tuple[list[str], Verdict]:
    """What a flow asks, by name, and what it comes to."""
    asked: list[str] = []

    def watched() -> Flow[Verdict]:
        answer: Any = None
        while True:
            try:
                question = flow.send(answer)
            except StopIteration as done:
                return done.value  # type: ignore[no-any-return]  # what the flow returned
            asked.append(repr(question))
            answer = yield from question

    return asked, run(watched())


def test_the_right_password_authenticates_the_user() -> None:
    verdict = verify("alice")
    assert isinstance(verdict, Authenticated)
    principal = verdict.principal
    assert (principal.id, principal.name, principal.kind) == ("1", "alice", "user")
    assert principal.scopes == {"orders:read"}
    assert principal.claims == {"team": "blue"}
    assert verdict.remember_until is None


@pytest.mark.parametrize(
    "username, password, reason",
    [
        ("alice", "wrong", Reason.PASSWORD_WRONG),
        ("alice", "s3cret\0", Reason.PASSWORD_WRONG),
        ("alice", 2000 * "a", Reason.PASSWORD_WRONG),
        ("nobody", "s3cret", Reason.USER_UNKNOWN),
        ("Alice", "s3cret", Reason.USER_UNKNOWN),
        ("alice ", "s3cret", Reason.USER_UNKNOWN),
        ("disabled", "s3cret", Reason.USER_DISABLED),
        ("disabled", "wrong", Reason.USER_DISABLED),
        ("keyonly", "s3cret", Reason.PASSWORD_WRONG),
        ("emptyhash", "s3cret", Reason.PASSWORD_WRONG),
        ("legacy", "wrong", Reason.PASSWORD_WRONG),
        ("legacy", "s3cret\0", Reason.PASSWORD_WRONG),
    ],
)
def test_anything_else_is_refused(username: str, password: str, reason: Reason) -> None:
    verdict = verify(username, password)
    assert isinstance(verdict, Rejected)
    assert verdict.reason is reason
    assert reason.public_code == "authmw.credentials-invalid"
    assert password not in verdict.detail


def test_names_are_looked_up_in_nfc() -> None:
    assert isinstance(verify("Zoe\u0308"), Authenticated)


class EverythingMatches(PasswordHasher):
    """A hasher as broken as can be."""

    def verify(self, *, password: str, hash: str) -> Match:
        return Match.MATCH


@pytest.mark.parametrize("username", ["nobody", "disabled", "keyonly", "emptyhash", "nul\0"])
def test_who_may_not_log_in_never_passes_even_if_the_dummy_matches(username: str) -> None:
    assert isinstance(verify(username, by=PasswordVerifier(Users(), hasher=EverythingMatches(CHEAPEST))), Rejected)


class TruthyHasher(PasswordHasher):
    """A hasher that answers something else than a Match."""

    def verify(self, *, password: str, hash: str) -> Match:
        return True  # type: ignore[return-value]  # the mistake under test


def test_an_answer_that_is_no_match_authenticates_nobody() -> None:
    assert isinstance(verify("alice", by=PasswordVerifier(Users(), hasher=TruthyHasher(CHEAPEST))), Rejected)


@pytest.mark.parametrize("username, password", [("", "s3cret"), ("alice", ""), ("", "")])
def test_class_18_an_empty_name_or_password_is_never_looked_up(username: str, password: str) -> None:
    users = Users()
    verdict = verify(username, password, by=verifier(users))
    assert isinstance(verdict, Rejected)
    assert verdict.reason is Reason.CREDENTIALS_MALFORMED
    assert users.asked == []


@pytest.mark.parametrize("username", ["nul\0", "a\nb", 257 * "a", 129 * "é", "\ud800", "a\x85"])
def test_a_name_that_no_store_can_hold_is_not_asked_for_and_costs_the_same_work(username: str) -> None:
    users = Users()
    asked, verdict = questions(verifier(users).verify(BasicCredentials(username, "s3cret"), REQUEST))
    assert isinstance(verdict, Rejected)
    assert verdict.reason is Reason.CREDENTIALS_MALFORMED
    assert users.asked == []
    assert asked == ["Work(PasswordHasher.verify)"]


REFUSED = {
    "wrong password": ("alice", "wrong"),
    "unknown user": ("nobody", "wrong"),
    "disabled user": ("disabled", "s3cret"),
    "disabled user with a legacy hash": ("disabledlegacy", "s3cret"),
    "user without password": ("keyonly", "wrong"),
    "user with an empty hash": ("emptyhash", "wrong"),
    "user with a legacy hash": ("legacy", "wrong"),
    "user with an outdated hash": ("old", "wrong"),
    "password too long": ("alice", 2000 * "a"),
    "password too long, unknown user": ("nobody", 2000 * "a"),
    "password with NUL": ("alice", "s3cret\0"),
    "password with NUL, unknown user": ("nobody", "s3cret\0"),
    "throttled": ("throttled", "wrong"),
}


@pytest.mark.parametrize("username, password", REFUSED.values(), ids=REFUSED)
def test_class_16_every_refusal_asks_the_same_questions(username: str, password: str) -> None:
    by = verifier(UpgradingUsers(), Throttle(account_throttled=60.0))
    asked, verdict = questions(by.verify(BasicCredentials(username, password), REQUEST))
    assert isinstance(verdict, Rejected)
    assert asked == [
        "Ask(Throttle.attempt)",
        "Ask(Users.find)",
        "Ask(Throttle.attempt)",
        "Work(PasswordHasher.verify)",
    ]


@pytest.mark.parametrize("username, password", REFUSED.values(), ids=REFUSED)
def test_pwd_7_every_refusal_does_the_work_of_one_current_hash(
    username: str, password: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    import argon2.low_level

    real, done = argon2.low_level.verify_secret, list[bytes]()

    def counting(encoded: bytes, *args: Any) -> bool:
        done.append(encoded)
        return real(encoded, *args)

    monkeypatch.setattr("argon2.low_level.verify_secret", counting)
    assert isinstance(verify(username, password), Rejected)
    assert len([encoded for encoded in done if encoded.startswith(b"$argon2id$v=19$m=8,t=1,p=1$")]) == 1


def test_pwd_3_hashing_is_work_for_the_bounded_pool() -> None:
    by = verifier(UpgradingUsers())
    flow = by.verify(BasicCredentials("old", "s3cret"), REQUEST)
    kinds: list[tuple[str, str]] = []
    question = next(flow)
    try:
        while True:
            kinds.append((type(question).__name__, question.function.__name__))
            question = flow.send(question.function(*question.args, **question.kwargs))
    except StopIteration:
        pass
    assert kinds == [("Ask", "find"), ("Work", "verify"), ("Work", "hash"), ("Ask", "replace_password_hash")]


@pytest.mark.parametrize("username", ["old", "legacy"])
def test_pwd_4_an_outdated_hash_is_replaced_after_success(username: str) -> None:
    users = UpgradingUsers()
    assert isinstance(verify(username, by=verifier(users)), Authenticated)
    [(user_id, old, new)] = users.saved
    assert (user_id, old) == (USERS[username].id, USERS[username].password_hash)
    assert HASHER.verify(password="s3cret", hash=new) is Match.MATCH


@pytest.mark.parametrize(
    "username, password", [("alice", "s3cret"), ("old", "wrong"), ("legacy", "wrong"), ("disabledlegacy", "s3cret")]
)
def test_pwd_4_no_hash_is_replaced_without_need_or_without_success(username: str, password: str) -> None:
    users = UpgradingUsers()
    verify(username, password, by=verifier(users))
    assert users.saved == []


def test_pwd_4_a_throttled_login_replaces_no_hash() -> None:
    users = UpgradingUsers()
    assert isinstance(verify("old", by=verifier(users, Throttle(account_old=1.0))), Rejected)
    assert users.saved == []


def test_pwd_4_a_hash_that_cannot_be_saved_does_not_fail_the_login(caplog: pytest.LogCaptureFixture) -> None:
    users = UpgradingUsers(OSError("UPDATE users SET hash = '$argon2id$...'"))
    with caplog.at_level(logging.DEBUG):
        assert isinstance(verify("old", by=verifier(users)), Authenticated)
    [record] = [record for record in caplog.records if record.name == "authmw.passwords"]
    assert record.getMessage() == "authmw could not replace an outdated password hash principal='5' cause=OSError"
    assert "s3cret" not in caplog.text
    assert "$argon2" not in caplog.text


def test_an_outdated_hash_still_verifies_where_the_store_cannot_replace_it() -> None:
    assert isinstance(verify("old"), Authenticated)


def test_a_store_that_is_down_is_no_verdict() -> None:
    class Down(Users):
        def find(self, username: str) -> User | None:
            raise OSError

    with pytest.raises(StoreUnavailable):
        verify("alice", by=verifier(Down()))


def test_attempts_are_counted_by_source_and_account_before_the_check_and_forgiven_after_success() -> None:
    throttle = Throttle()
    verify("alice", "wrong", by=verifier(throttle=throttle))
    assert throttle.attempts == [("source:192.0.2.7", 1000.0), ("account:alice", 1000.0)]
    assert throttle.successes == []
    verify("alice", by=verifier(throttle=throttle))
    assert throttle.successes == ["account:alice", "source:192.0.2.7"]


def test_too_many_attempts_from_one_source_are_told_so_and_nothing_is_looked_up() -> None:
    users, throttle = Users(), Throttle()
    throttle.waits["source:192.0.2.7"] = 2.1
    verdict = verify("alice", by=verifier(users, throttle))
    assert verdict == Rejected(Reason.TOO_MANY_ATTEMPTS, retry_after=3)
    assert users.asked == []


@pytest.mark.parametrize("username", ["alice", "nobody"])
def test_a_throttled_account_is_refused_like_any_other_even_with_the_right_password(username: str) -> None:
    throttle = Throttle(**{f"account_{username}": 60.0})
    verdict = verify(username, by=verifier(throttle=throttle))
    assert verdict == Rejected(Reason.ACCOUNT_THROTTLED)
    assert (Reason.ACCOUNT_THROTTLED.status, Reason.ACCOUNT_THROTTLED.public_code) == (
        401,
        "authmw.credentials-invalid",
    )
    assert throttle.successes == []


def test_class_28_a_store_that_folds_case_does_not_multiply_the_attempts() -> None:
    class FoldingUsers(Users):
        def find(self, username: str) -> User | None:
            return super().find(username.lower())

    throttle = Throttle()
    for spelling in ("alice", "Alice", "ALICE"):
        verify(spelling, "wrong", by=verifier(FoldingUsers(), throttle))
    assert {key for key, _ in throttle.attempts if key.startswith("account:")} == {"account:alice"}


def test_without_a_known_peer_only_the_account_is_counted() -> None:
    throttle = Throttle()
    request = WSGIRequest({"REQUEST_METHOD": "GET"})
    run(verifier(throttle=throttle).verify(BasicCredentials("alice", "s3cret"), request))
    assert throttle.attempts == [("account:alice", 1000.0)]
    assert throttle.successes == ["account:alice"]


@pytest.mark.parametrize(
    "client, key",
    [
        ("192.0.2.7", "source:192.0.2.7"),
        ("2001:db8:0:1::7", "source:2001:db8:0:1::/64"),
        ("2001:db8:0:1:ffff::8", "source:2001:db8:0:1::/64"),
        ("fe80::1%eth0", "source:fe80::/64"),
        # Class 28: on a socket for both, strangers all over IPv4 would be one familiar source.
        ("::ffff:192.0.2.7", "source:192.0.2.7"),
        ("::ffff:198.51.100.1", "source:198.51.100.1"),
        ("not:an:address", "source:not:an:address"),
        ("", ""),
    ],
)
def test_an_ipv6_network_is_one_source(client: str, key: str) -> None:
    assert source_key(client) == key


CASES = [*((*case,) for case in REFUSED.values()), ("alice", "s3cret"), ("old", "s3cret"), ("", ""), ("nul\0", "x")]


@pytest.mark.parametrize("make_users", [Users, AsyncUsers])
def test_both_drivers_agree(make_users: Callable[[], Users]) -> None:
    async def all_of_them() -> list[Verdict]:
        by = verifier(make_users(), Throttle(account_throttled=60.0))
        return [await run_async(by.verify(BasicCredentials(*case), REQUEST)) for case in CASES]

    by = verifier(Users(), Throttle(account_throttled=60.0))
    assert asyncio.run(all_of_them()) == [run(by.verify(BasicCredentials(*case), REQUEST)) for case in CASES]


@given(st.text(), st.text())
def test_any_name_and_password_get_a_verdict(username: str, password: str) -> None:
    assert isinstance(verify(username, password), Rejected)
