"""Browser sessions that this process has seen: beside remembered bearer tokens, and beside Flask-Login.

Flask-Login is measured with Flask-Session, which keeps its sessions on the server too: in files, or in Redis where it
answers. Its sessions are permanent and refreshed by each request, as by default.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from importlib import import_module
from typing import Any
from uuid import uuid4

from flask import Flask

from authmw import Auth, HTTPBearer, Session
from authmw.crypto.chained_tokens import SessionToken
from authmw.stores import BrowserSession, MemoryStores
from authmw.stores.revocation_feed import RevocationFeed
from authmw.verifiers.token import TokenVerifier
from tests.benchmarks import apps, databases, opaque_tokens
from tests.benchmarks.cases import Absent, Case, Places
from tests.benchmarks.harness import USERS, Candidate, Row

# These have no types.
flask_login: Any = import_module("flask_login")
flask_session: Any = import_module("flask_session")
cachelib: Any = import_module("cachelib")
redis: Any = import_module("redis")

_SCOPES = frozenset({"orders:read", "orders:write"})
_DAY = 86_400.0


def case() -> Case:
    """A remembered session over a remembered token, and either over Flask-Login."""
    closing = ExitStack()
    stores = MemoryStores(hasher=databases.HASHER)
    feed = RevocationFeed(stores.revocations)
    closing.callback(feed.close)
    session = Session(stores, revocations=feed)
    bearer = HTTPBearer(TokenVerifier(stores.tokens, revocations=feed))
    by_cookie, by_token = Auth(session | bearer), Auth(bearer)
    cookies = Places("Cookie", [f"theme=dark; {session.cookie}={_session(stores, user)}" for user in range(USERS)])
    tokens = Places("Authorization", [_token(stores, user) for user in range(USERS)])
    rows: list[Row] = []
    worlds: dict[str, tuple[bool, Callable[[], apps.App], Callable[[Auth], apps.App]]] = {
        "raw WSGI": (False, lambda: apps.bare_wsgi, apps.guarded_wsgi),
        "raw ASGI": (True, lambda: apps.bare_asgi, apps.guarded_asgi),
        "Flask": (False, apps.flask_app, apps.guarded_flask),
        "Starlette": (True, apps.starlette_app, apps.guarded_starlette),
    }
    for world, (is_async, app, guarded) in worlds.items():

        def placed(places: Places, name: str, app: apps.App, *, is_async: bool = is_async) -> Candidate:
            return places.asgi(name, app) if is_async else places.wsgi(name, app)

        bare = placed(tokens, world, app())
        token = placed(tokens, f"token, {world}", guarded(by_token))
        known = placed(cookies, f"session, {world}", guarded(by_cookie))
        rows.append(Row(f"session / token, {world}", known, bare, token, "1.25", floor_bare=bare))
        if world.startswith("raw"):
            for order, auth in (("Session | HTTPBearer", by_cookie), ("HTTPBearer | Session", Auth(bearer | session))):
                beside = placed(tokens, f"token of {order}, {world}", guarded(auth))
                rows.append(Row(f"token, {order}, {world}", beside, bare, token, "1.10", floor_bare=bare))
    places = [cookies, tokens]
    flask, ours = apps.flask_app(), apps.guarded_flask(by_cookie)
    for name, settings in _kept_by(closing):
        of_peer, peer = _flask_login(settings)
        theirs = Places("Cookie", of_peer)
        places.append(theirs)
        bare = theirs.wsgi("Flask", flask)
        floor = theirs.wsgi(f"Flask-Login, {name}", peer)
        known = cookies.wsgi("session, Flask, beside Flask-Login", ours)
        rows.append(Row(f"session / Flask-Login, {name}", known, bare, floor, floor_bare=bare))
    bad = {"none": "", "garbage": "garbage"}
    title = "Browser session, remembered: overhead / overhead of a remembered opaque token, or of Flask-Login"
    return Case(title, rows, places, bad, closing.close, opaque_tokens.is_user)


def _session(stores: MemoryStores, user: int) -> str:
    """The value of the cookie of a new session."""
    name, token, now = f"user-{user}", SessionToken.new(), time.time()
    stores.users.create(name, id=name, scopes=_SCOPES)
    stores.sessions.add_session(
        BrowserSession(
            id=f"session_{user}",
            key=token.key,
            current=token.digest,
            subject=name,
            scopes=_SCOPES,
            created_at=now,
            authenticated_at=now,
            expires_at=now + _DAY,
            idle_for=_DAY,
            idle_until=now + _DAY,
            last_used_at=now,
            amr=("pwd",),
        )
    )
    return token.text


def _token(stores: MemoryStores, user: int) -> str:
    text, _ = stores.tokens.create(f"user-{user}", _SCOPES, lifetime=_DAY)
    return f"Bearer {text}"


def _kept_by(closing: ExitStack) -> list[tuple[str, dict[str, Any]]]:
    """Where Flask-Session keeps its sessions, with its settings for that."""
    folder = closing.enter_context(tempfile.TemporaryDirectory())
    kept = [("files", {"SESSION_TYPE": "cachelib", "SESSION_CACHELIB": cachelib.FileSystemCache(folder)})]
    client, prefix = redis.Redis.from_url(databases.REDIS), f"authmw-bench-{uuid4().hex}:"
    try:
        client.ping()
    except redis.RedisError:
        return kept
    closing.callback(client.close)
    closing.callback(lambda: client.delete(*client.scan_iter(f"{prefix}*")))
    kept.append(("Redis", {"SESSION_TYPE": "redis", "SESSION_REDIS": client, "SESSION_KEY_PREFIX": prefix}))
    return kept


def _flask_login(settings: dict[str, Any]) -> tuple[list[str], Flask]:
    """Flask-Login, whose users are in a dict, and a cookie for each of them."""
    app, users = Flask("peer"), {f"user-{user}": _User(f"user-{user}") for user in range(USERS)}
    app.config.from_mapping(SECRET_KEY="s" * 32, **settings)
    flask_session.Session(app)
    flask_login.LoginManager(app).user_loader(users.get)

    def log_in(name: str) -> str:
        return str(flask_login.login_user(users[name]))

    def orders() -> str:
        return str(flask_login.current_user.id)

    app.post("/login/<name>")(log_in)
    app.get("/orders")(flask_login.login_required(orders))
    return [_logged_in(app, name) for name in users], app


def _logged_in(app: Flask, name: str) -> str:
    browser = app.test_client()
    if browser.post(f"/login/{name}").status_code != 200:
        raise Absent("nobody can log in with Flask-Login")
    cookie = browser.get_cookie("session")
    assert cookie is not None
    return f"theme=dark; session={cookie.value}"


class _User(flask_login.UserMixin):  # type: ignore[misc]
    """A user as Flask-Login knows one."""

    def __init__(self, name: str) -> None:
        self.id = name
