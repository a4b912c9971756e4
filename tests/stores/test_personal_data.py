"""The document of what stores keep about a person: all of it under its name, and nothing that would help a thief."""

from __future__ import annotations

import json
from typing import Any

import pytest

from authmw.stores.personal_data import document_of, moment
from authmw.stores.records import ApiKeyRecord, RefreshFamily, Revocation, TokenRecord, User
from authmw.stores.session_records import BrowserSession, Pending
from authmw.stores.throttling import account_key
from authmw.testing.contract.families import a_family
from authmw.testing.contract.pending import a_pending
from authmw.testing.contract.sessions import a_session
from tests.stores.support import Clock, Stores

USER = User(
    "7",
    "alice",
    "s3cret hash",
    frozenset({"write", "read"}),
    attributes={"team": "blue"},
    email="alice@mail.example",
    email_verified=True,
)
KEY = ApiKeyRecord("key_1", "s3cret digest", "7", frozenset({"b", "a"}), "laptop", 10.0, 20.0, 30.0, 40.0)
TOKEN = TokenRecord(
    id="tok_1",
    digest="s3cret digest",
    subject="7",
    expires_at=20.0,
    scopes=frozenset({"b", "a"}),
    client_id="app",
    created_at=10.0,
    revoked_at=30.0,
    audience=frozenset({"y", "x"}),
    family_id="login_1",
)
FAMILY = RefreshFamily(
    id="login_1",
    key="s3cret key",
    current="s3cret current",
    subject="7",
    username="alice",
    client_id="app",
    scopes=frozenset({"b", "a"}),
    created_at=10.0,
    expires_at=60.0,
    idle_until=50.0,
    previous="s3cret previous",
    salt="s3cret salt",
    last_used_at=20.0,
    revoked_at=30.0,
    name="Firefox",
)
SESSION = BrowserSession(
    id="session_1",
    key="s3cret key",
    current="s3cret current",
    subject="7",
    scopes=frozenset({"b", "a"}),
    created_at=10.0,
    authenticated_at=15.0,
    expires_at=60.0,
    idle_for=5.0,
    idle_until=50.0,
    last_used_at=20.0,
    amr=("pwd", "otp"),
    remembered=True,
    name="Firefox",
    ended_at=30.0,
)
PENDING = Pending("s3cret digest", "recovery", "7", 20.0, {"hash": "s3cret mark"})


def at(seconds: int) -> str:
    return f"1970-01-01T00:00:{seconds:02}Z" if seconds < 60 else "1970-01-01T00:01:00Z"


def document() -> dict[str, Any]:
    """Everything that is kept of a user."""
    return document_of(
        USER,
        created_at=10.0,
        disabled_at=None,
        digests=[("shop", "SHA-256"), ("shop", "MD5")],
        keys=[KEY],
        tokens=[TOKEN],
        families=[FAMILY],
        browser_sessions=[SESSION],
        pending=[PENDING],
        revocations=[Revocation("user", "7", 10.0, 20.0)],
        familiar_until=[30.0, 20.0],
    )


SAID: dict[str, Any] = {
    "user": {
        "id": "7",
        "username": "alice",
        "email": "alice@mail.example",
        "email_verified": True,
        "scopes": ["read", "write"],
        "attributes": {"team": "blue"},
        "disabled": False,
        "disabled_at": None,
        "created_at": at(10),
        "has_password": True,
        "digest_realms": [{"realm": "shop", "algorithm": "MD5"}, {"realm": "shop", "algorithm": "SHA-256"}],
    },
    "api_keys": [
        {
            "id": "key_1",
            "name": "laptop",
            "scopes": ["a", "b"],
            "created_at": at(10),
            "expires_at": at(20),
            "revoked_at": at(30),
            "last_used_at": at(40),
        }
    ],
    "tokens": [
        {
            "id": "tok_1",
            "scopes": ["a", "b"],
            "audience": ["x", "y"],
            "client_id": "app",
            "session": "login_1",
            "created_at": at(10),
            "expires_at": at(20),
            "revoked_at": at(30),
        }
    ],
    "sessions": [
        {
            "id": "login_1",
            "name": "Firefox",
            "username": "alice",
            "client_id": "app",
            "scopes": ["a", "b"],
            "created_at": at(10),
            "last_used_at": at(20),
            "idle_until": at(50),
            "expires_at": at(60),
            "ended_at": at(30),
        }
    ],
    "browser_sessions": [
        {
            "id": "session_1",
            "name": "Firefox",
            "scopes": ["a", "b"],
            "authenticated_by": ["pwd", "otp"],
            "remembered": True,
            "created_at": at(10),
            "authenticated_at": at(15),
            "last_used_at": at(20),
            "idle_until": at(50),
            "expires_at": at(60),
            "ended_at": at(30),
        }
    ],
    "pending": [{"kind": "recovery", "expires_at": at(20)}],
    "revocations": [{"at": at(10), "kept_until": at(20)}],
    "known_login_sources": [{"known_until": at(20)}, {"known_until": at(30)}],
}


@pytest.mark.parametrize("part", SAID)
def test_each_part_of_the_document_says_what_is_kept(part: str) -> None:
    assert document()[part] == SAID[part]


@pytest.mark.parametrize(
    "at, text",
    [
        (None, None),
        (0.0, "1970-01-01T00:00:00Z"),
        (1_700_000_000.999, "2023-11-14T22:13:20Z"),
        (253_402_300_799.0, "9999-12-31T23:59:59Z"),
        (253_402_300_800.0, "9999-12-31T23:59:59Z"),
        (float("inf"), "9999-12-31T23:59:59Z"),
    ],
)
def test_a_time_is_a_text_in_utc_and_none_where_there_is_none(at: float | None, text: str | None) -> None:
    assert moment(at) == text


def test_the_document_has_no_other_part_and_no_secret() -> None:
    assert list(document()) == list(SAID)
    assert "s3cret" not in json.dumps(document())


def test_a_store_exports_all_that_it_keeps_of_a_user(stores: Stores, clock: Clock) -> None:
    created_at = clock.now
    stores.users.create("alice", "pw", id="7", scopes=["a"], digest_realm="shop", email="alice@mail.example")
    clock.advance(60)
    stores.keys.create("7", ["a"], name="laptop")
    stores.tokens.create("7", ["a"])
    family, session, pending = a_family(subject="7"), a_session(subject="7"), a_pending(subject="7")
    stores.families.add_family(family)
    stores.sessions.add_session(session)
    disabled = stores.users.disable("alice")
    stores.pending.put_pending(pending)
    stores.throttle.make_familiar(account_key("alice"), "mark", clock.now + 600)

    ended_family, ended_session = stores.families.find_family(family.key), stores.sessions.find_session(session.key)
    assert ended_family is not None
    assert ended_session is not None
    assert ended_family.revoked_at == ended_session.ended_at == clock.now
    exported = stores.users.export("alice")
    assert [part for part, kept in exported.items() if not kept] == []
    assert exported == document_of(
        disabled,
        created_at=created_at,
        disabled_at=clock.now,
        digests=[("shop", "SHA-256")],
        keys=stores.keys.list("7"),
        tokens=stores.tokens.list("7"),
        families=[ended_family],
        browser_sessions=[ended_session],
        pending=[pending],
        revocations=[Revocation.of_user("7", clock.now)],
        familiar_until=[clock.now + 600],
    )
