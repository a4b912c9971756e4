"""Flask's application context is there when functions of the application run in front of Flask, and only then."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, cast

import pytest
from authmw_flask import FlaskAuth, current_principal, public
from flask import Flask, current_app, g, has_app_context
from werkzeug.middleware.dispatcher import DispatcherMiddleware
from werkzeug.routing import BaseConverter
from werkzeug.test import Client

from authmw import (
    APIKeyHeader,
    ApiKeyVerifier,
    Auth,
    Authenticated,
    BearerToken,
    DigestVerifier,
    HTTPBasic,
    HTTPBearer,
    HTTPDigest,
    JWTVerifier,
    KeyRing,
    PasswordVerifier,
    Principal,
    TokenVerifier,
    issue,
)
from authmw.flow import Ask, CallMode, Flow
from authmw.http.refusal import Body, Refusal
from authmw.http.request import RequestHead
from authmw.schemes.base import Alternatives
from authmw.stores import (
    CHEAPEST,
    ApiKeyRecord,
    Attempt,
    AttemptOutcome,
    MemoryStores,
    PasswordHasher,
    Reservation,
    User,
)
from authmw.verifiers.base import Verifier
from tests.adapters.flask.shop import ask

PASSWORD = "correct horse battery staple"
HASHER = PasswordHasher(CHEAPEST)


def _used() -> None:
    """Use Flask as a function of an application does."""
    g.ran = getattr(g, "ran", 0) + 1
    _noted(current_app, "RAN").append(g.ran)


def _noted(app: Flask, name: str) -> list[Any]:
    return cast("dict[str, list[Any]]", app.config).setdefault(name, [])


def _alice(token: str) -> Principal:
    return Principal("alice")


def _application(scheme: Alternatives, **options: Any) -> Flask:
    app = Flask("shop")

    @app.teardown_appcontext
    def end(error: BaseException | None) -> None:
        _noted(app, "ENDED").append(type(error).__name__ if error else "")

    app.add_url_rule("/me", view_func=lambda: {"who": current_principal.id, "g": "ran" in g})
    FlaskAuth(app, Auth(scheme, **options))
    return app


def _by_token(token: str) -> Principal | None:
    _used()
    return Principal("alice") if token == "t0ken" else None


class _Users:
    def find(self, username: str) -> User | None:
        _used()
        return User(id="alice", username=username, password_hash=HASHER.hash(PASSWORD)) if username == "alice" else None


class _Throttle:
    def reserve(self, attempt: Attempt, now: float) -> Reservation:
        _used()
        return Reservation(attempt)

    def settle(
        self, reservation: Reservation, outcome: AttemptOutcome, now: float, familiar_until: float = 0.0
    ) -> None:
        _used()

    def make_familiar(self, account: str, mark: str, until: float) -> None:
        _used()


class _Hasher(PasswordHasher):
    def verify(self, *, password: str, hash: str) -> Any:
        _used()
        return super().verify(password=password, hash=hash)


STORES = MemoryStores(hasher=HASHER)
_KEY, _RECORD = STORES.keys.create("alice")


class _Keys:
    def find_key(self, digest: str) -> ApiKeyRecord | None:
        _used()
        return _RECORD if digest == _RECORD.digest else None

    def touch_key(self, key_id: str, at: float) -> None:
        _used()


class _FastKeys(_Keys):
    @CallMode.NONBLOCKING
    def find_key(self, digest: str) -> ApiKeyRecord | None:
        return super().find_key(digest)


class _PlainVerifier:
    def verify(self, credentials: BearerToken, request: RequestHead, /) -> Authenticated:
        _used()
        return Authenticated(Principal("alice"))


class _FlowVerifier:
    def verify(self, credentials: BearerToken, request: RequestHead, /) -> Flow[Authenticated]:
        _used()
        yield from Ask(_by_token, credentials.token)
        _used()
        return Authenticated(Principal("alice"))


class _Scheme(HTTPBearer):
    def extract(self, request: RequestHead) -> Any:
        _used()
        return super().extract(request)


BEARER = {"Authorization": "Bearer t0ken"}
ALICE = {"auth": ("alice", PASSWORD)}
CODE: dict[str, tuple[Callable[[], Alternatives], dict[str, Any]]] = {
    "function": (lambda: HTTPBearer(_by_token), {"headers": BEARER}),
    "function of an alternative": (
        lambda: HTTPBasic(lambda username, password: None) | HTTPBearer(_by_token),
        {"headers": BEARER},
    ),
    "store of users": (lambda: HTTPBasic(PasswordVerifier(_Users(), hasher=HASHER)), ALICE),
    "throttle": (lambda: HTTPBasic(PasswordVerifier(STORES.users, hasher=HASHER, throttle=_Throttle())), ALICE),
    "hasher": (lambda: HTTPBasic(PasswordVerifier(STORES.users, hasher=_Hasher(CHEAPEST))), ALICE),
    "store of keys": (lambda: APIKeyHeader("X-Key", ApiKeyVerifier(_Keys())), {"headers": {"X-Key": _KEY}}),
    "fast store of keys": (lambda: APIKeyHeader("X-Key", ApiKeyVerifier(_FastKeys())), {"headers": {"X-Key": _KEY}}),
    "verifier": (lambda: HTTPBearer(_PlainVerifier()), {"headers": BEARER}),
    "verifier with a flow": (lambda: HTTPBearer(_FlowVerifier()), {"headers": BEARER}),
    "scheme": (lambda: _Scheme(_alice), {"headers": BEARER}),
}


@pytest.fixture(scope="module", autouse=True)
def alice() -> None:
    STORES.users.create("alice", PASSWORD, id="alice")


@pytest.mark.parametrize("name", CODE)
def test_code_of_the_application_finds_its_context(name: str) -> None:
    scheme, sent = CODE[name]
    app = _application(scheme())
    answer = app.test_client().get("/me", **sent)
    assert (answer.status_code, answer.json) == (200, {"who": "alice", "g": False})
    assert _noted(app, "RAN")
    assert not has_app_context()


@pytest.mark.parametrize("name", CODE)
def test_its_context_ends_before_the_view_begins(name: str) -> None:
    scheme, sent = CODE[name]
    app = _application(scheme())
    before_view: list[int] = []
    app.before_request(lambda: before_view.append(len(_noted(app, "ENDED"))))
    app.test_client().get("/me", **sent)
    assert before_view[0] >= 1
    assert _noted(app, "ENDED") == [""] * (before_view[0] + 1)


def test_one_flow_of_a_verifier_has_one_context() -> None:
    app = _application(HTTPBearer(_FlowVerifier()))
    app.test_client().get("/me", headers=BEARER)
    assert _noted(app, "RAN") == [1, 2, 3]


def _own(ring: KeyRing) -> dict[str, tuple[Alternatives, dict[str, Any]]]:
    token = issue("alice", keys=ring, issuer="i", audience="a")
    jwt = HTTPBearer(JWTVerifier(ring, issuer="i", audience="a"))
    return {
        "JWT": (jwt, {"headers": {"Authorization": f"Bearer {token}"}}),
        "users": (HTTPBasic(PasswordVerifier(STORES.users, hasher=HASHER)), ALICE),
        "keys": (APIKeyHeader("X-Key", ApiKeyVerifier(STORES.keys)), {"headers": {"X-Key": _KEY}}),
        "nobody": (jwt, {}),
        "no such token": (HTTPBearer(TokenVerifier(STORES.tokens)), {"headers": {"Authorization": "Bearer at_x"}}),
        "no such user": (HTTPDigest(DigestVerifier(STORES.users)), {}),
    }


@pytest.mark.parametrize("name", _own(KeyRing.generate()))
def test_code_of_authmw_needs_no_context(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    scheme, sent = _own(KeyRing.generate())[name]
    app = _application(scheme)
    for _ in range(2):  # the second time a token is remembered
        _noted(app, "ENDED").clear()
        status = app.test_client().get("/me", **sent).status_code
        assert len(_noted(app, "ENDED")) == (1 if status == 200 else 0)  # of the view


def test_a_context_of_the_same_application_is_used_as_flask_does_it() -> None:
    app = _application(HTTPBearer(_by_token))
    with app.app_context():
        g.ran = 10
        assert app.test_client().get("/me", headers=BEARER).status_code == 200
        assert g.ran == 11
    assert _noted(app, "RAN") == [11]


def test_below_another_application_it_is_the_context_of_the_guarded_one() -> None:
    inner, outer = _application(HTTPBearer(_by_token)), Flask("outer")
    with outer.app_context():
        g.ran = 10
        assert inner.test_client().get("/me", headers=BEARER).status_code == 200
        assert g.ran == 10
        assert current_app.name == "outer"
    assert _noted(inner, "RAN") == [1]


def test_one_auth_of_two_applications_has_the_context_of_each() -> None:
    auth = Auth(HTTPBearer(_by_token))
    apps = [Flask("a"), Flask("b")]
    for app in apps:
        app.add_url_rule("/me", view_func=lambda: "me")
        FlaskAuth(app, auth)
    both = Client(DispatcherMiddleware(apps[0], {"/b": apps[1]}))
    assert [both.get(path, headers=BEARER).status_code for path in ("/me", "/b/me")] == [200, 200]
    assert [_noted(app, "RAN") for app in apps] == [[1], [1]]


def test_threads_have_a_context_each() -> None:
    app, both = _application(HTTPBearer(_by_token)), threading.Barrier(2)
    statuses: list[int] = []

    def wait(error: BaseException | None) -> None:
        both.wait(10)

    app.teardown_appcontext(wait)

    def serve() -> None:
        statuses.append(app.test_client().get("/me", headers=BEARER).status_code)

    threads = [threading.Thread(target=serve) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert statuses == [200, 200]
    assert _noted(app, "RAN") == [1, 1]


def test_what_a_function_raises_is_given_to_the_teardown_and_is_a_503() -> None:
    def fail(token: str) -> Principal:
        _used()
        raise KeyError(token)

    app = _application(HTTPBearer(fail))
    assert app.test_client().get("/me", headers=BEARER).status_code == 503
    assert _noted(app, "ENDED") == ["KeyError"]
    assert not has_app_context()


@pytest.mark.parametrize("debug", [True, False])
def test_in_debug_mode_the_log_has_the_traceback_without_the_token(
    debug: bool, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(token: str) -> Principal:
        raise KeyError(token)

    app = _application(HTTPBearer(fail))
    app.debug = debug
    app.test_client().get("/me", headers={"Authorization": "Bearer t0ken-of-alice"})
    assert ("KeyError: '[cut]'" in caplog.text) is debug
    assert f"at={__file__[-100:]}:" in caplog.text
    assert "t0ken" not in caplog.text


@pytest.mark.parametrize("name", CODE)
def test_a_teardown_that_fails_is_a_503(name: str) -> None:
    scheme, sent = CODE[name]
    app = _application(scheme())
    is_first = [True]

    def fail(error: BaseException | None) -> None:
        if is_first.pop() if is_first else False:
            raise OSError("the pool is gone")

    app.teardown_appcontext(fail)
    assert app.test_client().get("/me", **sent).status_code == 503


def test_the_function_that_renders_refusals_finds_the_context() -> None:
    def render(refusal: Refusal, request: RequestHead) -> Body:
        _used()
        return Body("text/plain", current_app.name.encode())

    app = _application(HTTPBearer(_by_token), render=render)
    for headers in ({}, {"Authorization": "Bearer x"}):
        answer = app.test_client().get("/me", headers=headers)
        assert (answer.status_code, answer.data) == (401, b"shop")


def _named(name: str) -> str:
    return name


def test_a_converter_of_routes_finds_the_context() -> None:
    class Named(BaseConverter):
        def to_python(self, value: str) -> str:
            _used()
            return value

    app = Flask("shop")
    app.url_map.converters["named"] = Named
    app.add_url_rule("/of/<named:name>", view_func=public(_named), endpoint="of")
    FlaskAuth(app, Auth(HTTPBearer(_by_token)))
    assert ask(app, "/of/alice").data == b"alice"


_: Verifier[BearerToken] = _PlainVerifier()
