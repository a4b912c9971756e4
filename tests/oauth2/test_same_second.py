"""A user is revoked within a second in which tokens are issued too: what came before is refused, what follows holds."""

from __future__ import annotations

from typing import Any

import pytest

from authmw.identity.principal import Principal
from authmw.identity.verdict import Rejected
from authmw.stores.records import Revocation
from tests.oauth2.asking import KEYS, NOW, Bench

KINDS = pytest.mark.parametrize("options", [{}, {"keys": KEYS}], ids=["opaque", "JWT"])


def bench_at(moment: float, options: dict[str, Any]) -> Bench:
    bench = Bench(**options)
    bench.clock.now = NOW + moment
    return bench


@KINDS
def test_a_token_of_before_is_refused_by_the_user_alone(options: dict[str, Any]) -> None:
    bench = bench_at(0.2, options)
    token = bench.log_in().json["access_token"]
    # Published where users are kept, which knows nothing of the sessions.
    bench.stores.revocations.publish(Revocation.of_user("user-1", NOW + 0.5))
    bench.clock.now = NOW + 0.7
    assert isinstance(bench.verified(token), Rejected)


@KINDS
def test_who_logs_in_again_at_once_is_let_in(options: dict[str, Any]) -> None:
    bench = bench_at(0.5, options)
    bench.stores.users.set_password("alice", "correct horse")
    bench.clock.now = NOW + 0.7
    answer = bench.log_in().json
    assert isinstance(bench.verified(answer["access_token"]), Principal)
    bench.clock.now = NOW + 0.8
    again = bench.refresh(answer["refresh_token"])
    assert again.status == 200
    assert isinstance(bench.verified(again.json["access_token"]), Principal)


def test_the_iat_is_later_than_the_revocation_and_the_lifetime_whole() -> None:
    bench = bench_at(0.5, {"keys": KEYS})
    bench.stores.users.set_password("alice", "correct horse")
    bench.clock.now = NOW + 0.7
    principal = bench.verified(bench.log_in().json["access_token"])
    assert isinstance(principal, Principal)
    assert principal.claims["iat"] == int(NOW) + 1
    assert principal.claims["exp"] == int(NOW) + 1 + bench.service.lifetimes.access
