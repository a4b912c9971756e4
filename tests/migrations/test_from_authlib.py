"""From Authlib, as its page says: the same tokens of an authorization server, and of a table."""

from __future__ import annotations

import json
import threading
import time
from base64 import b64encode
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from sqlite3 import connect
from typing import Any, Final
from urllib.parse import parse_qs

import jwt
import pytest
import requests

from authmw import Auth, Key, KeyRing, Principal, Refusal
from authmw.wsgi import WSGIRequest
from tests.house.test_docs import blocks
from tests.migrations.conftest import PAGES, Migration
from tests.migrations.http_browser import FLASK

pytestmark = pytest.mark.programs
CALLS: Final = (
    ("GET", "/orders"),
    ("POST", "/orders"),
    ("DELETE", "/orders"),
    ("GET", "/export"),
    ("GET", "/staff"),
)
TOKENS: Final[Mapping[str, tuple[dict[str, Any], tuple[int, ...]]]] = {
    "nothing": ({}, (200, 403, 403, 403, 403)),
    "reader": ({"scope": "orders:read"}, (200, 403, 403, 403, 403)),
    "writer": ({"scope": "orders:read orders:write"}, (200, 200, 200, 403, 403)),
    "exporter": ({"scope": "orders:export orders:read"}, (200, 403, 403, 200, 403)),
    "admin": ({"scope": "admin"}, (200, 403, 200, 200, 403)),
    "staff": ({"scope": "staff", "groups": ["staff"]}, (200, 403, 403, 403, 200)),
    "names a group": ({"scope": "staff", "groups": ["guests"]}, (200, 403, 403, 403, 403)),
}
"""Claims of a token, and the statuses of its `CALLS`. Authlib answers 401 where a group is missing."""


class IssuerServer(ThreadingHTTPServer):
    """An authorization server on loopback: metadata, keys and introspection."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.key = Key.generate("ES256")
        self.asked: list[str] = []

    def token(self, *, typ: str | None = "at+jwt", key: Key | None = None, **claims: Any) -> str:
        now = int(time.time())
        base = {"iss": self.url, "aud": "shop", "sub": "alice", "client_id": "web", "jti": f"jti {now}"}
        signer = key or self.key
        return jwt.encode(
            {**base, "iat": now, "exp": now + 600, **claims},
            jwt.PyJWK(signer.private_jwk()),
            algorithm="ES256",
            headers={"kid": self.key.kid, "typ": typ},
        )


class _Handler(BaseHTTPRequestHandler):
    @property
    def issuer(self) -> IssuerServer:
        assert isinstance(self.server, IssuerServer)
        return self.server

    def do_GET(self) -> None:
        self.issuer.asked.append(self.path)
        if self.path == "/jwks.json":
            self._say(KeyRing(self.issuer.key).jwks())
        elif self.path == "/.well-known/openid-configuration":
            self._say({"issuer": self.issuer.url, "jwks_uri": f"{self.issuer.url}/jwks.json"})
        else:
            self.send_error(404)

    def do_POST(self) -> None:
        self.issuer.asked.append(self.path)
        form = parse_qs(self.rfile.read(int(self.headers["content-length"])).decode())
        is_known = self.headers["authorization"] == f"Basic {b64encode(b'shop-api:s3cret').decode()}"
        scopes = {"opaque-labels": "labels", "opaque-others": "orders:read"}.get(form["token"][0])
        active = {"active": True, "scope": scopes, "sub": "alice", "client_id": "web", "aud": "shop"}
        self._say(active if is_known and scopes is not None else {"active": False})

    def _say(self, answer: object) -> None:
        body = json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Nothing: the output of the tests is no log of this server."""


@contextmanager
def issuing() -> Generator[IssuerServer]:
    with IssuerServer() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


@dataclass(frozen=True)
class Moved:
    """The program after, running, and the issuer of its tokens."""

    port: int
    issuer: IssuerServer
    old_statuses: dict[str, tuple[int, ...]] = field(default_factory=dict[str, tuple[int, ...]])

    def ask(self, token: str = "", path: str = "/orders", method: str = "GET") -> requests.Response:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        return requests.request(method, f"http://127.0.0.1:{self.port}{path}", headers=headers, timeout=60)

    def statuses(self) -> dict[str, tuple[int, ...]]:
        """The statuses of the calls with each of `TOKENS`."""
        return {
            name: tuple(self.ask(self.issuer.token(**claims), path, method).status_code for method, path in CALLS)
            for name, (claims, _) in TOKENS.items()
        }


@pytest.fixture(scope="module")
def moved(migration: Callable[[str], Migration]) -> Iterator[Moved]:
    made = migration("authlib")
    with issuing() as issuer:
        environment = {"ISSUER": issuer.url, "CLIENT_SECRET": "s3cret"}
        with made.before.serve("shop", FLASK, environment) as server:
            old = Moved(server.port, issuer)
            old_statuses = old.statuses()
            _before_answers_as_the_page_says(old)
        with made.move().serve("shop", FLASK, environment) as server:
            yield Moved(server.port, issuer, old_statuses)


def _before_answers_as_the_page_says(old: Moved) -> None:
    missing, scopeless = old.ask(), old.ask(old.issuer.token(), "/export")
    assert (missing.status_code, scopeless.status_code) == (401, 403)
    assert 'error="missing_authorization"' in missing.headers["WWW-Authenticate"]
    assert "WWW-Authenticate" not in scopeless.headers
    assert old.ask(old.issuer.token(typ=None)).status_code == 200
    assert old.ask(path="/").text == "Hello stranger"
    assert old.ask("no.good.token", "/").status_code == 401
    assert [old.ask(f"opaque-{name}", "/labels").status_code for name in ("labels", "others", "gone")] == [
        200,
        403,
        401,
    ]
    before = len(old.issuer.asked)
    for _ in range(2):
        old.ask(old.issuer.token())
    assert old.issuer.asked[before:] == ["/jwks.json"] * 2


def test_a_token_opens_what_it_opened(moved: Moved) -> None:
    statuses = moved.statuses()
    assert statuses == {name: expected for name, (_, expected) in TOKENS.items()}
    for name, old in moved.old_statuses.items():
        *scopes, group = old
        assert (tuple(scopes), group if group == 200 else 403) == (statuses[name][:-1], statuses[name][-1])
        assert group in (200, 401)


def test_a_view_knows_the_caller(moved: Moved) -> None:
    assert moved.ask(moved.issuer.token(sub="bob")).text == "Orders of bob"
    assert moved.ask(moved.issuer.token(sub="bob"), "/").text == "Hello bob"
    assert moved.ask(path="/").text == "Hello stranger"


def test_opaque_tokens_are_introspected_and_jwts_are_not(moved: Moved) -> None:
    assert [moved.ask(f"opaque-{name}", "/labels").status_code for name in ("labels", "others", "gone")] == [
        200,
        403,
        401,
    ]
    before = len(moved.issuer.asked)
    assert moved.ask("opaque-labels", "/labels").text == "Labels"
    assert moved.ask(moved.issuer.token(scope="labels"), "/labels").status_code == 200
    assert moved.ask(moved.issuer.token(aud="others"), "/labels").status_code == 401
    assert moved.issuer.asked[before:].count("/introspect") == 0  # the answer of before is kept


@pytest.mark.parametrize(
    "claims",
    [
        {"aud": "others"},
        {"iss": "https://evil.example"},
        {"exp": 1},
        {"typ": "JWT"},
        {"typ": None},
        {"jti": None},
        {"client_id": None},
        {"key": Key.generate("ES256")},
    ],
    ids=["audience", "issuer", "expired", "JWT", "untyped", "without jti", "without client", "other key"],
)
def test_another_token_is_refused(moved: Moved, claims: dict[str, Any]) -> None:
    for path in ("/", "/orders"):
        answer = moved.ask(moved.issuer.token(**claims), path)
        assert answer.status_code == 401
        assert 'error="invalid_token"' in answer.headers["www-authenticate"]


def test_the_challenge_names_the_scopes(moved: Moved) -> None:
    assert 'scope="orders:read orders:write"' in moved.ask(method="POST").headers["www-authenticate"]
    refused = moved.ask(moved.issuer.token(), method="POST")
    assert refused.status_code == 403
    assert 'error="insufficient_scope"' in refused.headers["www-authenticate"]


def test_tokens_in_a_table_are_found_until_they_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    now = int(time.time())
    columns = "access_token, user_id, client_id, scope, issued_at, expires_in"
    with closing(connect("shop.db")) as db:
        db.execute(f"CREATE TABLE oauth2_token ({columns}, access_token_revoked_at, refresh_token_revoked_at)")
        for token, issued_at, expires_in, *revoked in (
            ("good", now, 600, 0, 0),
            ("expired", now - 700, 600, 0, 0),
            ("endless", now, 0, 0, 0),
            ("revoked", now, 600, now, 0),
            ("refresh-revoked", now, 600, 0, now),
        ):
            row = (token, 7, "web", "orders:read orders:write", issued_at, expires_in, *revoked)
            db.execute("INSERT INTO oauth2_token VALUES (?, ?, ?, ?, ?, ?, ?, ?)", row)
        db.commit()
    (block,) = (each.code for each in blocks((PAGES / "from-authlib.md").read_text()) if not each.is_file)
    program: dict[str, Any] = {}
    exec(block, program)
    auth: Auth = program["auth"]

    def found(token: str) -> Principal | None:
        head = {"REQUEST_METHOD": "GET", "PATH_INFO": "/", "HTTP_AUTHORIZATION": f"Bearer {token}"}
        outcome = auth.authenticate(WSGIRequest(head))
        return None if isinstance(outcome, Refusal) else outcome.principal

    principal = found("good")
    assert principal is not None
    assert (principal.id, principal.client_id, principal.expires_at) == ("7", "web", now + 600)
    assert principal.scopes == {"orders:read", "orders:write"}
    for token in ("expired", "endless", "revoked", "refresh-revoked", "unknown"):
        assert found(token) is None
    program["engine"].dispose()
