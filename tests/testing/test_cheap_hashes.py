"""Cheap hashes in tests: no hasher works hard while the fixture is asked for, and none is cheap after it."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from authmw_flask import FlaskAuth
from flask import Flask

from authmw import Auth, ConfigurationError, HTTPBasic, PasswordVerifier, authenticated
from authmw.crypto.passwords import CHEAPEST, Argon2Profile, Match, PasswordHasher
from authmw.stores import MemoryUsers
from authmw.testing.cheap_hashes import make_hashes_cheap

REAL = PasswordHasher(Argon2Profile(memory=1024, time=2, lanes=1))
HARD = PasswordHasher(Argon2Profile(memory=256 * 1024, time=20, lanes=1))
"""One hash takes seconds."""
STORED = REAL.hash("correct horse")
LEGACY = "pbkdf2:sha256:1000$salt$" + __import__("hashlib").pbkdf2_hmac("sha256", b"p", b"salt", 1000).hex()


@pytest.fixture
def quickly() -> Iterator[None]:
    began = time.perf_counter()
    yield
    assert time.perf_counter() - began < 2


@pytest.mark.usefixtures("cheap_hashes", "quickly")
def test_a_hasher_that_was_made_before_hashes_in_no_time() -> None:
    made = HARD.hash("correct horse")
    assert made.startswith("$argon2id$v=19$m=8,t=1,p=1$")
    assert HARD.verify(password="correct horse", hash=made) is Match.MATCH
    assert HARD.verify(password="wrong", hash=made) is Match.MISMATCH
    for other in (HARD.dummy, "", "junk", "null\0"):
        assert HARD.verify(password="correct horse", hash=other) is Match.MISMATCH
    assert HARD.verify(password="p", hash=LEGACY) is Match.MATCH_OUTDATED


@pytest.mark.usefixtures("cheap_hashes")
def test_a_hash_from_before_is_verified_as_it_was_made_and_is_not_replaced() -> None:
    assert REAL.verify(password="correct horse", hash=STORED) is Match.MATCH
    assert REAL.verify(password="wrong", hash=STORED) is Match.MISMATCH
    assert PasswordHasher(CHEAPEST).verify(password="correct horse", hash=STORED) is Match.MATCH_OUTDATED


@pytest.mark.usefixtures("cheap_hashes", "quickly")
def test_logins_of_a_whole_application_cost_nothing() -> None:
    users = MemoryUsers(hasher=HARD)
    users.create("alice", "correct horse")
    app = Flask("shop", static_folder=None)
    FlaskAuth(app, Auth(HTTPBasic(PasswordVerifier(users, hasher=HARD, remember_for=0))))
    app.add_url_rule("/me", "me", authenticated(lambda: "hello"))
    client = app.test_client()
    for username, password, status in (("alice", "correct horse", 200), ("alice", "x", 401), ("nobody", "x", 401)):
        assert client.get("/me", auth=(username, password)).status_code == status


def test_after_the_test_hashes_cost_what_they_should() -> None:
    with pytest.MonkeyPatch.context() as patch:
        make_hashes_cheap(patch)
        cheap = REAL.hash("correct horse")
    assert REAL.hash("correct horse").startswith("$argon2id$v=19$m=1024,t=2,p=1$")
    assert REAL.verify(password="correct horse", hash=cheap) is Match.MATCH_OUTDATED


def test_nothing_gets_cheap_outside_of_a_test(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.MonkeyPatch.context() as patch:
        monkeypatch.delenv("PYTEST_CURRENT_TEST")
        with pytest.raises(ConfigurationError, match="outside of a test"):
            make_hashes_cheap(patch)
        monkeypatch.setenv("PYTEST_CURRENT_TEST", "a test")
        monkeypatch.setenv("AUTHMW_ENV", "Production")
        with pytest.raises(ConfigurationError, match="production"):
            make_hashes_cheap(patch)
    assert "m=1024" in REAL.hash("p")
