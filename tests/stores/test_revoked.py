"""Which tokens a revocation refuses, and for how long."""

from __future__ import annotations

import sys
import threading
from dataclasses import replace
from typing import Any

import pytest

from authmw.errors import FlowError
from authmw.flow.flow import run
from authmw.stores import MemoryStores
from authmw.stores.records import LONGEST_ACCESS_TOKEN, LONGEST_TOKEN, Revocation, RevocationKind
from authmw.stores.revocation import revoke_before
from authmw.stores.revoked import KEPT_AFTER, Issuance, Revoked
from authmw.testing import FakeClock

AT = 1000.5
"""When everything here is revoked: in the middle of the second 1000."""
SESSION = Issuance("jti-1", "sid-1", "alice", "web", 990.0)
"""A token of a login."""
BARE = SESSION._replace(family_id=None)
"""A token of no login."""


def revoked(kind: RevocationKind, name: str, at: float = AT) -> Revoked:
    known = Revoked()
    known.note(Revocation(kind, name, at, at + 600))
    return known


@pytest.mark.parametrize("kind, name", [("token", "jti-1"), ("family", "sid-1"), ("user", "alice"), ("client", "web")])
def test_a_token_is_refused_by_whatever_it_was_issued_by(kind: RevocationKind, name: str) -> None:
    assert revoked(kind, name).refuses(SESSION)


@pytest.mark.parametrize(
    "kind, name",
    [
        ("token", "jti-2"),
        ("token", "sid-1"),
        ("token", "alice"),
        ("family", "jti-1"),
        ("family", "alice"),
        ("user", "web"),
        ("user", "Alice"),
        ("client", "alice"),
        ("client", "jti-1"),
    ],
)
def test_a_token_is_refused_by_nothing_else(kind: RevocationKind, name: str) -> None:
    assert not revoked(kind, name).refuses(SESSION)


@pytest.mark.parametrize("kind", ["token", "family"])
@pytest.mark.parametrize("issued_at", [None, 0.0, 990.0, 1000.0, 1001.0, 9e9])
def test_a_token_or_family_is_revoked_whenever_it_was_issued(kind: RevocationKind, issued_at: float | None) -> None:
    known = revoked(kind, "jti-1" if kind == "token" else "sid-1")
    assert known.refuses(SESSION._replace(issued_at=issued_at))


@pytest.mark.parametrize(
    "issued_at, refused",
    [
        pytest.param(None, True, id="it does not tell when"),
        pytest.param(0.0, True, id="long before"),
        pytest.param(999.0, True, id="the second before"),
        pytest.param(999.999, True, id="the fraction before the second"),
        pytest.param(1000.0, True, id="the same second"),
        pytest.param(1000.4, True, id="just before"),
        pytest.param(1000.5, True, id="at that moment"),
        pytest.param(1000.6, False, id="just after"),
        pytest.param(1001.0, False, id="the second after"),
    ],
)
@pytest.mark.parametrize("token", [SESSION, BARE], ids=["of a login", "of none"])
def test_a_user_is_revoked_until_then(token: Issuance, issued_at: float | None, refused: bool) -> None:
    assert revoked("user", "alice").refuses(token._replace(issued_at=issued_at)) is refused


@pytest.mark.parametrize("token", [SESSION, BARE], ids=["of a login", "of none"])
@pytest.mark.parametrize(
    "issued_at, refused",
    [(None, True), (999.0, True), (1000.0, True), (1000.5, True), (1000.6, False), (1001.0, False)],
)
def test_a_client_is_revoked_until_then(token: Issuance, issued_at: float | None, refused: bool) -> None:
    assert revoked("client", "web").refuses(token._replace(issued_at=issued_at)) is refused


def test_a_token_without_identifiers_is_refused_by_its_subject_alone() -> None:
    known = revoked("token", "jti-1")
    nameless = Issuance(None, None, "alice", None, 990.0)
    assert not known.refuses(nameless)
    known.note(Revocation.of_user("alice", AT))
    assert known.refuses(nameless)


@pytest.mark.parametrize("backwards", [False, True], ids=["in order", "out of order"])
def test_of_two_revocations_of_one_user_both_hold(backwards: bool) -> None:
    both = [Revocation("user", "alice", 1000.0, 9000.0), Revocation("user", "alice", 2000.0, 3000.0)]
    known = Revoked()
    for each in reversed(both) if backwards else both:
        known.note(each)
    assert known.refuses(SESSION._replace(issued_at=1999.0))
    known.drop_expired(9000.0 + KEPT_AFTER - 1)
    assert known.refuses(SESSION._replace(issued_at=1999.0))


@pytest.mark.parametrize(
    "revocation, until",
    [
        (Revocation.of_token("jti-1", AT, AT + 600), AT + 600),
        (Revocation.of_family("sid-1", AT), AT + LONGEST_ACCESS_TOKEN),
        (Revocation.of_user("7", AT), AT + LONGEST_TOKEN),
        (Revocation.of_client("shop", AT), AT + LONGEST_TOKEN),
    ],
)
def test_a_revocation_is_kept_until_what_it_refuses_has_expired_by_any_clock(
    revocation: Revocation, until: float
) -> None:
    assert revocation.expires_at - until >= 60 + 60  # the longest leeway, and clocks that differ by as much


def test_a_revocation_outlives_its_end_by_the_leeway_of_verifiers_and_no_longer() -> None:
    known = Revoked()
    known.note(Revocation.of_family("sid-1", AT))
    end = Revocation.of_family("sid-1", AT).expires_at
    known.drop_expired(end + KEPT_AFTER - 0.1)
    assert known.refuses(SESSION)
    known.drop_expired(end + KEPT_AFTER)
    assert not known.refuses(SESSION)
    assert len(known) == 0


def test_what_has_not_expired_is_not_dropped() -> None:
    known = Revoked()
    for number in range(10):
        known.note(Revocation("token", f"jti-{number}", 0.0, float(number)))
    known.drop_expired(KEPT_AFTER + 4.0)
    assert [known.refuses(BARE._replace(credential_id=f"jti-{number}")) for number in range(10)] == 5 * [False] + (
        5 * [True]
    )


@pytest.mark.parametrize("other", [None, ("token", "jti-1"), "jti-1", replace(Revocation.of_user("a", 0), kind="all")])  # type: ignore[arg-type]  # the mistake under test
def test_what_is_no_revocation_is_an_error_and_never_passed_over(other: Any) -> None:
    with pytest.raises(FlowError, match="answers Revocation"):
        Revoked().note(other)


def test_a_store_is_asked_about_what_the_token_has() -> None:
    assert SESSION.keys == (("token", "jti-1"), ("family", "sid-1"), ("user", "alice"), ("client", "web"))
    assert Issuance(None, None, "alice", None, None).keys == (("user", "alice"),)


def note_all(known: Revoked, first: int) -> None:
    for at in range(first, 4000, 4):
        known.note(Revocation.of_user("alice", float(at)))


def test_threads_that_note_one_user_lose_no_later_revocation() -> None:
    known, interval = Revoked(), sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        threads = [threading.Thread(target=note_all, args=(known, first)) for first in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(interval)
    assert known.refuses(BARE._replace(issued_at=3999.0))


def test_revoking_what_a_user_was_issued_revokes_its_opaque_tokens_and_no_others() -> None:
    clock = FakeClock(AT)
    stores: Any = MemoryStores(clock=clock)
    stores.feed, stores.clock = None, clock
    digests = {name: stores.tokens.create(name)[1].digest for name in ("alice", "bob")}
    run(revoke_before(stores, "alice", clock()))
    assert [stores.tokens.find_token(digests[name]).revoked_at for name in ("alice", "bob")] == [clock(), None]
    (revocation,) = stores.revocations.revocations_after("", 10).revocations
    assert revocation == Revocation.of_user("alice", clock())
