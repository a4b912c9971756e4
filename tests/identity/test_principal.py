"""The caller: what it keeps, what it may, and what it shows."""

from __future__ import annotations

from typing import Any

import pytest

from authmw import ANONYMOUS, Principal
from authmw.identity.principal import PrincipalKind

ALICE = Principal(
    "user-1",
    scopes={"orders:read", "orders:write"},
    claims={"tenant": "t1", "secret": "s3cret"},
    client_id="web",
    credential_id="jti-1",
    expires_at=1000.0,
    name="alice",
)
KEPT = ("id", "scopes", "kind", "claims", "client_id", "credential_id", "expires_at", "name")


def test_the_scheme_that_authenticated_is_added_and_nothing_else_changes() -> None:
    found = ALICE.authenticated_by("HTTPBearer")
    assert (found.scheme, ALICE.scheme) == ("HTTPBearer", "")
    assert [getattr(found, name) for name in KEPT] == [getattr(ALICE, name) for name in KEPT]


def test_a_caller_may_what_its_scopes_say() -> None:
    assert ALICE.can("orders:read", "orders:write")
    assert not ALICE.can("orders:read", "admin")


def test_nobody_may_anything_whatever_scopes_are_written_beside() -> None:
    assert not ANONYMOUS.can("orders:read")
    assert not Principal("", kind="anonymous", scopes={"orders:read"}).can("orders:read")


def test_tok_3_what_it_shows_has_no_claims() -> None:
    assert repr(ALICE) == "Principal(id='user-1', kind='user', scopes=['orders:read', 'orders:write'])"


def test_it_has_an_id_and_only_nobody_has_none() -> None:
    with pytest.raises(ValueError, match="an id that is not empty"):
        Principal("")
    assert not Principal("", kind="anonymous").is_authenticated
    assert (Principal("x").display_name, ALICE.display_name, ALICE.identity) == ("x", "alice", "user-1")


@pytest.mark.parametrize("kind", ["user", "client", "api_key"])
def test_it_is_of_a_kind_that_is_known(kind: PrincipalKind) -> None:
    assert Principal("x", kind=kind).kind == kind
    with pytest.raises(ValueError, match="kind"):
        Principal("x", kind=f"{kind}s")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


def test_nobody_changes_or_deletes_what_it_says() -> None:
    principal = Principal("alice", scopes={"read"})
    for name in ("id", "scopes", "claims", "kind"):
        with pytest.raises(AttributeError, match=f"{name} cannot be set"):
            setattr(principal, name, "admin")
        with pytest.raises(AttributeError, match=f"{name} cannot be deleted"):
            delattr(principal, name)
    assert (principal.id, principal.can("read")) == ("alice", True)


DIFFERENT = {
    "id": "user-2",
    "scopes": {"orders:read"},
    "kind": "client",
    "claims": {"tenant": "t2"},
    "client_id": "app",
    "credential_id": "jti-2",
    "expires_at": 1001.0,
    "name": "bob",
}


def _made(**changes: Any) -> Principal:
    kept: dict[str, Any] = {name: getattr(ALICE, name) for name in KEPT}
    return Principal(**{**kept, **changes})


@pytest.mark.parametrize("name", KEPT)
def test_two_are_equal_only_if_all_that_they_say_is(name: str) -> None:
    assert _made() == ALICE
    assert hash(_made()) == hash(ALICE)
    assert _made(**{name: DIFFERENT[name]}) != ALICE


def test_it_equals_nothing_else() -> None:
    assert ALICE != "user-1"
    assert Principal.__eq__(ALICE, "user-1") is NotImplemented
    assert len({ALICE, _made(), _made(id="user-2"), _made(scopes=()), _made(kind="client")}) == 4
