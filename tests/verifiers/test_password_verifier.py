"""Verifying a user name and password: the verdicts, and that nobody learns which users there are."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authmw.crypto.passwords import CHEAPEST, Argon2Profile, Match, PasswordHasher
from authmw.errors import Overloaded, StoreUnavailable
from authmw.flow.flow import Flow, run, run_async
from authmw.http.reasons import Reason
from authmw.http.request import WSGIRequest
from authmw.identity.credentials import BasicCredentials
from authmw.identity.verdict import Authenticated, Rejected, Verdict
from authmw.stores.records import Attempt, AttemptOutcome, User
from authmw.verifiers.accounts import source_key
from authmw.verifiers.password import PasswordVerifier
from tests.drivers import unshielded
from tests.verifiers.throttles import Throttle

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
        User("9", "unknownhash", "md5$salt$0123456789abcdef0123456789abcdef"),
        User("10", "costly", LEGACY.replace(":100$", ":9000000$")),
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


def verifier(users: Users | None = None, throttle: Throttle | None = None) -> PasswordVerifier:
    return PasswordVerifier(users or Users(), hasher=HASHER, throttle=throttle, clock=lambda: 1000.0)


def verify(username: str, password: str = "s3cret", *, by: PasswordVerifier | None = None) -> Verdict:
    return run((by or verifier()).verify(BasicCredentials(username, password), REQUEST))


def questions(flow: Flow[Verdict]) -> tuple[list[str], Verdict]:
    """What a flow asks, by name, and what it comes to."""
    asked: list[str] = []

    def watched() -> Flow[Verdict]:
        answer: Any = None
        every = unshielded(flow)
        while True:
            try:
                question = every.send(answer)
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
        ("unknownhash", "s3cret", Reason.PASSWORD_HASH_UNKNOWN),
        ("costly", "s3cret", Reason.PASSWORD_HASH_UNKNOWN),
    ],
)
def test_anything_else_is_refused(username: str, password: str, reason: Reason) -> None:
    verdict = verify(username, password)
    assert isinstance(verdict, Rejected)
    assert verdict.reason is reason
    assert reason.public_code == "authmw.credentials-invalid"
    assert password not in verdict.detail


def test_the_log_says_what_is_wrong_with_a_stored_hash() -> None:
    for username, detail in (
        ("unknownhash", "the stored hash is in a format that is not known (md5)"),
        ("costly", "the stored hash (PBKDF2 of Werkzeug) needs more work than is allowed"),
        ("keyonly", "the user has no password"),
        ("alice", ""),
    ):
        verdict = verify(username, "wrong")
        assert isinstance(verdict, Rejected)
        assert verdict.detail == detail


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
}


@pytest.mark.parametrize("username, password", REFUSED.values(), ids=REFUSED)
def test_class_16_every_refusal_asks_the_same_questions(username: str, password: str) -> None:
    by = verifier(UpgradingUsers(), Throttle())
    asked, verdict = questions(by.verify(BasicCredentials(username, password), REQUEST))
    assert isinstance(verdict, Rejected)
    assert asked == [
        "Ask(Users.find)",
        "Ask(Throttle.reserve)",
        "Work(PasswordHasher.verify)",
        "Ask(Throttle.settle)",
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


def test_a_check_is_reserved_for_source_and_account_before_it_and_settled_after_it() -> None:
    throttle = Throttle()
    verify("alice", "wrong", by=verifier(throttle=throttle))
    [attempt] = throttle.attempts
    assert (attempt.source, attempt.account, attempt.network) == ("source:192.0.2.7", "account:alice", "192.0.2.0/24")
    assert throttle.settled == [(attempt, AttemptOutcome.FAILED)]
    verify("alice", by=verifier(throttle=throttle))
    assert throttle.settled[1:] == [(attempt, AttemptOutcome.SUCCEEDED)]


def test_too_many_attempts_from_one_source_are_told_so_and_nothing_is_hashed() -> None:
    throttle = Throttle()
    throttle.waits["source:192.0.2.7"] = 2.1
    asked, verdict = questions(verifier(throttle=throttle).verify(BasicCredentials("alice", "s3cret"), REQUEST))
    assert verdict == Rejected(Reason.TOO_MANY_ATTEMPTS, retry_after=3)
    assert asked == ["Ask(Users.find)", "Ask(Throttle.reserve)"]


@pytest.mark.parametrize("username", ["alice", "nobody", "disabled", "keyonly", "legacy"])
def test_an_account_without_a_free_check_is_unavailable_whether_it_exists_or_not(username: str) -> None:
    throttle = Throttle(**{f"account_{username}": 59.2})
    asked, verdict = questions(verifier(throttle=throttle).verify(BasicCredentials(username, "s3cret"), REQUEST))
    assert verdict == Rejected(Reason.ACCOUNT_THROTTLED, retry_after=60)
    assert (Reason.ACCOUNT_THROTTLED.status, Reason.ACCOUNT_THROTTLED.error) == (503, None)
    assert asked == ["Ask(Users.find)", "Ask(Throttle.reserve)"]


def test_what_a_store_or_the_pool_interrupts_is_given_back() -> None:
    class Busy(PasswordHasher):
        def verify(self, *, password: str, hash: str) -> Match:
            raise Overloaded("no free slot")

    throttle = Throttle()
    by = PasswordVerifier(Users(), hasher=Busy(CHEAPEST), throttle=throttle, clock=lambda: 1000.0)
    with pytest.raises(Overloaded):
        verify("alice", by=by)
    assert throttle.outcomes == [AttemptOutcome.ABANDONED]


def test_what_cannot_be_looked_up_is_not_counted() -> None:
    class Down(Users):
        def find(self, username: str) -> User | None:
            raise OSError

    throttle = Throttle()
    with pytest.raises(StoreUnavailable):
        verify("alice", by=verifier(Down(), throttle))
    assert throttle.attempts == []


def test_class_28_a_store_that_folds_case_does_not_multiply_the_attempts() -> None:
    class FoldingUsers(Users):
        def find(self, username: str) -> User | None:
            return super().find(username.lower())

    throttle = Throttle()
    for spelling in ("alice", "Alice", "ALICE"):
        verify(spelling, "wrong", by=verifier(FoldingUsers(), throttle))
    assert {attempt.account for attempt in throttle.attempts} == {"account:alice"}


def test_without_a_known_peer_only_the_account_is_counted() -> None:
    throttle = Throttle()
    request = WSGIRequest({"REQUEST_METHOD": "GET"})
    run(verifier(throttle=throttle).verify(BasicCredentials("alice", "s3cret"), request))
    assert throttle.settled == [(Attempt("", "account:alice"), AttemptOutcome.SUCCEEDED)]
    assert throttle.familiar == []


def test_a_name_that_no_store_can_hold_counts_for_its_source() -> None:
    throttle = Throttle()
    verify("nul\0", by=verifier(throttle=throttle))
    assert throttle.settled == [(Attempt("source:192.0.2.7"), AttemptOutcome.FAILED)]


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


CASES = [
    *((*case,) for case in REFUSED.values()),
    ("throttled", "wrong"),
    ("alice", "s3cret"),
    ("old", "s3cret"),
    ("", ""),
    ("nul\0", "x"),
]


@pytest.mark.parametrize("make_users", [Users, AsyncUsers])
def test_both_drivers_agree(make_users: Callable[[], Users]) -> None:
    async def all_of_them() -> list[Verdict]:
        by = verifier(make_users(), Throttle(account_throttled=60.0))
        return [await run_async(by.verify(BasicCredentials(*case), REQUEST)) for case in CASES]

    by = verifier(Users(), Throttle(account_throttled=60.0))
    assert asyncio.run(all_of_them()) == [run(by.verify(BasicCredentials(*case), REQUEST)) for case in CASES]


FOUND = USERS["alice"]


@pytest.mark.parametrize(
    "now, holds",
    [
        (FOUND, True),
        (replace(FOUND, password_hash=HASHER.hash("s3cret")), True),
        (replace(FOUND, password_hash=OLD), True),
        (replace(FOUND, password_hash=LEGACY), True),
        (replace(FOUND, password_hash=HASHER.hash("another")), False),
        (replace(FOUND, password_hash=None), False),
        (replace(FOUND, password_hash=""), False),
        (replace(FOUND, disabled=True), False),
        (replace(FOUND, id="11"), False),
        (None, False),
    ],
    ids=[
        *("unchanged", "a new hash", "an outdated hash", "a legacy hash", "another password", "no password"),
        *("an empty hash", "disabled", "another user of that name", "removed"),
    ],
)
def test_a_login_holds_while_its_user_could_log_in_again(now: User | None, holds: bool) -> None:
    class Changed(Users):
        def find(self, username: str) -> User | None:
            return now if username == "alice" else None

    assert run(verifier(Changed()).still_matches(FOUND, BasicCredentials("alice", "s3cret"))) is holds


@given(st.text(), st.text())
def test_any_name_and_password_get_a_verdict(username: str, password: str) -> None:
    assert isinstance(verify(username, password), Rejected)
