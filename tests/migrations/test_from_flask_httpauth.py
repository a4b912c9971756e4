"""From Flask-HTTPAuth, as its page says: the same users, passwords, tokens, HA1 and paths."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

import pytest
import requests
from requests.auth import HTTPBasicAuth, HTTPDigestAuth

from tests.migrations.conftest import Migration
from tests.migrations.http_browser import FLASK, PASSWORD
from tests.programs.program import Program

pytestmark = pytest.mark.programs
SECRET: Final = {"FLASK_SECRET_KEY": "only for this test"}
ROLES: Final = {"alice": "", "bob": "admin", "carol": "buyer", "dave": "buyer support"}
ADD: Final = f"""
from shop import Token, User, app, db, digest
from werkzeug.security import generate_password_hash

methods = {{"alice": "scrypt", "bob": "pbkdf2:sha256:1000", "carol": "scrypt:4096:8:1", "dave": "scrypt"}}
with app.app_context():
    for number, (name, roles) in enumerate({ROLES!r}.items(), 1):
        password = {PASSWORD!r} + name
        password_hash, ha1 = generate_password_hash(password, methods[name]), digest.generate_ha1(name, password)
        db.session.add(User(id=number, name=name, roles=roles, password_hash=password_hash, ha1=ha1))
        db.session.add(Token(token=f"token-of-{{name}}", user_id=number))
    db.session.commit()
"""
STORED: Final = """
from sqlalchemy import select
from shop import HashedToken, User, app, db
with app.app_context():
    print(db.session.scalar(select(User.password_hash).where(User.name == "carol")))
    print(db.session.query(HashedToken).count())
"""
PATHS: Final = ("/orders", "/admin", "/stock")
ALLOWED: Final = {"alice": (200, 403, 403), "bob": (200, 200, 200), "carol": (200, 403, 403), "dave": (200, 403, 200)}
"""The statuses of each user for `PATHS`, before and after."""


def basic(name: str, password: str = "") -> HTTPBasicAuth:
    return HTTPBasicAuth(name, password or PASSWORD + name)


def bearer(name: str) -> Mapping[str, str]:
    return {"Authorization": f"Bearer token-of-{name}"}


@dataclass(frozen=True)
class Shop:
    """One of the two programs, running."""

    port: int
    program: Program

    def get(
        self, path: str, auth: HTTPBasicAuth | HTTPDigestAuth | None = None, headers: Mapping[str, str] | None = None
    ) -> requests.Response:
        with requests.Session() as session:  # Flask-HTTPAuth keeps nonces in a cookie
            url = f"http://127.0.0.1:{self.port}{path}"
            return session.get(url, auth=auth, headers=headers, timeout=60)

    def allows(self) -> dict[str, tuple[int, ...]]:
        """The statuses of each user for `PATHS`; the same by password and by token."""
        by_password = {name: tuple(self.get(path, basic(name)).status_code for path in PATHS) for name in ROLES}
        by_token = {name: tuple(self.get(path, headers=bearer(name)).status_code for path in PATHS) for name in ROLES}
        assert by_password == by_token
        return by_token


@pytest.fixture(scope="module")
def moved(migration: Callable[[str], Migration]) -> Iterator[Shop]:
    made = migration("flask-httpauth")
    added = made.before.run("python", "-c", ADD, environment=SECRET)
    assert added.returncode == 0, added.stderr
    with made.before.serve("shop", FLASK, SECRET) as server:
        _before_answers_as_the_page_says(Shop(server.port, made.before))
    after = made.move()
    for _ in range(2):  # it may run again
        ran = after.run("python", "move_tokens.py")
        assert ran.returncode == 0, ran.stderr
    with after.serve("shop", FLASK) as server:
        yield Shop(server.port, after)


def _before_answers_as_the_page_says(old: Shop) -> None:
    assert old.allows() == ALLOWED
    assert old.get("/orders", basic("alice")).text == "Orders of alice"
    digest = HTTPDigestAuth("alice", f"{PASSWORD}alice")
    assert old.get("/labels", digest).text == "Labels of alice"
    assert old.get("/", basic("alice", "wrong")).text == "Hello stranger"
    refused = old.get("/orders")
    assert (refused.status_code, refused.text) == (401, "Unauthorized Access")
    assert refused.headers["WWW-Authenticate"] == 'Basic realm="shop"'
    assert old.get("/labels", basic("alice")).status_code == 401


def test_users_may_what_they_might_by_password_and_by_token(moved: Shop) -> None:
    assert moved.allows() == ALLOWED


@pytest.mark.parametrize("name", ROLES)
def test_a_view_knows_the_user(moved: Shop, name: str) -> None:
    assert moved.get("/orders", basic(name)).text == f"Orders of {name}"
    assert moved.get("/orders", headers=bearer(name)).text == f"Orders of {name}"
    assert moved.get("/", basic(name)).text == f"Hello {name}"
    assert moved.get("/labels", HTTPDigestAuth(name, PASSWORD + name)).text == f"Labels of {name}"


def test_what_is_wrong_is_refused(moved: Shop) -> None:
    for path in ("/", "/orders"):
        assert moved.get(path, basic("alice", f"{PASSWORD}bob")).status_code == 401
        assert moved.get(path, basic("nobody")).status_code == 401
        assert moved.get(path, headers=bearer("nobody")).status_code == 401
    assert moved.get("/labels", HTTPDigestAuth("alice", f"{PASSWORD}bob")).status_code == 401


def test_a_stranger_sees_what_is_open_and_each_challenge_elsewhere(moved: Shop) -> None:
    assert moved.get("/").text == "Hello stranger"
    refused = moved.get("/orders")
    assert (refused.status_code, refused.headers["content-type"]) == (401, "application/problem+json")
    challenges = refused.headers["www-authenticate"]
    assert [scheme in challenges for scheme in ("Basic realm=", "Bearer realm=", "Digest realm=")] == [True] * 3


def test_each_view_keeps_its_kinds_of_credentials(moved: Shop) -> None:
    assert moved.get("/labels", basic("bob")).status_code == 403
    assert moved.get("/labels", headers=bearer("bob")).status_code == 403
    for path in PATHS:
        assert moved.get(path, HTTPDigestAuth("bob", f"{PASSWORD}bob")).status_code == 403


def test_a_digest_is_accepted_once_and_for_its_path(moved: Shop) -> None:
    answer = moved.get("/labels", HTTPDigestAuth("alice", f"{PASSWORD}alice"))
    sent = {"Authorization": answer.request.headers["Authorization"]}
    assert answer.status_code == 200
    assert "rspauth" in answer.headers["authentication-info"]
    again = moved.get("/labels", headers=sent)
    assert (again.status_code, "stale=true" in again.headers["www-authenticate"]) == (401, True)
    assert moved.get("/labels?all=1", headers=sent).status_code == 401


def test_a_name_in_latin_1_is_refused(moved: Shop) -> None:
    credentials = b64encode(b"zo\xeb:password").decode()
    assert moved.get("/", headers={"Authorization": f"Basic {credentials}"}).status_code == 401


def test_a_hash_is_replaced_and_goes_on_matching_and_tokens_are_there_once(moved: Shop) -> None:
    for _ in range(2):
        assert moved.get("/orders", basic("carol")).status_code == 200
    password_hash, tokens = moved.program.run("python", "-c", STORED).stdout.split()
    assert password_hash.startswith("$argon2id$")
    assert tokens == str(len(ROLES))
