"""What becomes of the tokens and sessions of a user who is deleted or renamed, and of a new user of the same name."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from authmw.identity.principal import Principal
from authmw.identity.verdict import Rejected
from authmw.oauth2.sessions import Sessions
from tests.oauth2.asking import Bench
from tests.oauth2.test_attackers import KINDS, Around, once

NEW = "battery staple"


def verified(bench: Bench, token: str) -> Any:
    return bench.verified(token)


@KINDS
def test_tokens_of_a_deleted_user_are_refused_and_the_session_cannot_be_refreshed(keys: Any) -> None:
    bench = Bench(keys=keys)
    tokens = bench.log_in().json
    assert isinstance(verified(bench, tokens["access_token"]), Principal)
    bench.clock.now += 5
    bench.stores.users.delete("alice")
    assert isinstance(verified(bench, tokens["access_token"]), Rejected)
    assert bench.refresh(tokens["refresh_token"]).error == "invalid_grant"
    assert bench.log_in().error == "invalid_grant"
    assert Sessions(bench.service).list("user-1") == ()


@pytest.mark.parametrize("id", [None, "user-2"], ids=["default-id", "given-id"])
@KINDS
def test_a_new_user_of_the_same_name_inherits_nothing(keys: Any, id: str | None) -> None:
    bench = Bench(keys=keys)
    bench.stores.users.create("dora", NEW, scopes=["orders:read"])
    old = bench.log_in(username="dora", password=NEW).json
    bench.clock.now += 5
    bench.stores.users.delete("dora")
    bench.clock.now += 5
    new = bench.stores.users.create("dora", NEW, id=id, scopes=["orders:read", "orders:write"])
    assert new.id != "dora"
    assert isinstance(verified(bench, old["access_token"]), Rejected)
    assert bench.refresh(old["refresh_token"]).error == "invalid_grant"
    mine = bench.log_in(username="dora", password=NEW).json
    assert verified(bench, mine["access_token"]).id == new.id
    assert len(Sessions(bench.service).list(new.id)) == 1


@KINDS
def test_a_login_under_way_while_its_user_is_deleted_is_refused(keys: Any) -> None:
    bench = Bench(keys=keys)
    bench.clock.now += 0.5
    families = Around(bench.stores.families, "add_family", before=once(lambda: bench.stores.users.delete("alice")))
    bench.use(families=families)
    assert bench.log_in().error == "invalid_grant"
    assert Sessions(bench.service).list("user-1") == ()
    assert all(record.revoked_at is not None for record in bench.stores.tokens.list("user-1"))


@KINDS
def test_a_refresh_under_way_while_its_user_is_deleted_gets_no_token(keys: Any) -> None:
    bench = Bench(keys=keys)
    token = bench.log_in().json["refresh_token"]
    bench.clock.now += 5
    bench.use(families=Around(bench.stores.families, "rotate", before=once(lambda: bench.stores.users.delete("alice"))))
    assert bench.refresh(token).error == "invalid_grant"


@KINDS
def test_a_renamed_user_goes_on_under_the_same_id(keys: Any) -> None:
    bench = Bench(keys=keys)
    tokens = bench.log_in().json
    bench.stores.users.rename("alice", "alicia")
    assert verified(bench, tokens["access_token"]).id == "user-1"
    assert verified(bench, bench.refresh(tokens["refresh_token"]).json["access_token"]).id == "user-1"
    assert bench.log_in().error == "invalid_grant"
    assert bench.log_in(username="alicia").status == 200


def test_a_user_who_takes_a_name_gets_no_session_of_the_one_who_had_it() -> None:
    """A store of sessions elsewhere keeps the old name: its sessions end, and are not those of the new user."""
    bench = Bench()
    token = bench.log_in().json["refresh_token"]
    bench.use(families=KeepsNames(bench.stores.families))
    bench.stores.users.rename("alice", "alicia")
    bench.stores.users.create("alice", NEW, id="user-9", scopes=["orders:read"])
    assert bench.refresh(token).error == "invalid_grant"


class KeepsNames:
    """Families as they were stored, whatever becomes of the name of their user."""

    def __init__(self, families: Any) -> None:
        self._families = families

    def __getattr__(self, name: str) -> Any:
        return getattr(self._families, name)

    def find_family(self, key: str) -> Any:
        return replace(self._families.find_family(key), username="alice")
