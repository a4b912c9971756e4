"""`current_user`: the application's own user object, once in a request, in each framework."""

from __future__ import annotations

import asyncio
import contextvars
import logging
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from authmw_fastapi import CurrentUser, FastAPIAuth, OptionalPrincipal, Scopes, Security, caller
from authmw_flask import FlaskAuth
from authmw_flask import current_user as flask_user
from authmw_starlette import AuthMiddleware
from fastapi import Depends, FastAPI
from flask import Flask
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from authmw import (
    AccessRefused,
    Auth,
    ConfigurationError,
    HTTPBearer,
    InheritedAuth,
    Principal,
    Reason,
    acting_as,
    carry_caller,
    current_user,
    current_user_async,
    public,
)
from authmw.engine.context import call_here
from authmw.engine.own_user import _kept  # pyright: ignore[reportPrivateUsage]
from authmw.flow.flow import run
from authmw.stores import StoreUnavailable
from authmw.wsgi import AuthMiddleware as WSGIAuthMiddleware
from tests.adapters.django.asking import ask, said
from tests.adapters.django.site import configured


@dataclass
class Account:
    id: str


PRINCIPALS = {
    "alice": Principal("alice", scopes={"a"}),
    "gone": Principal("gone"),
    "machine": Principal("machine", kind="client"),
    "key": Principal("alice", kind="api_key"),
    "wrong": Principal("wrong"),
    "down": Principal("down"),
    "refused": Principal("refused"),
}
BEARER = HTTPBearer(PRINCIPALS.get)


class Loader:
    """A `load_user`, and the ids that it was called with."""

    def __init__(self) -> None:
        self.ids: list[str] = []

    def __call__(self, principal: Principal) -> Account | str | None:
        self.ids.append(principal.id)
        if principal.id == "down":
            raise OSError("postgres://secret")
        if principal.id == "refused":
            principal.require("more")
        return {"gone": None, "wrong": "a str"}.get(principal.id, Account(principal.id))


class AsyncLoader(Loader):
    """The same, ``async def``."""

    async def load(self, principal: Principal) -> Account | str | None:
        await asyncio.sleep(0)
        return Loader.__call__(self, principal)


Asked = Callable[[str], tuple[int, str, str]]
"""A function of a token: the status, the body and the challenge."""


def flask_app(auth: Auth) -> Asked:
    app = Flask("shop")
    FlaskAuth(app, auth, public=["/open"])

    @app.get("/")
    @app.get("/open")
    def me() -> str:
        first = flask_user(Account)
        assert flask_user(Account) is first is current_user(Account)
        return first.id

    def asked(token: str) -> tuple[int, str, str]:
        answer = app.test_client().get("/" if token else "/open", headers=bearer(token))
        return answer.status_code, answer.text, answer.headers.get("WWW-Authenticate", "")

    return asked


def starlette_app(auth: Auth) -> Asked:
    async def me(request: Request) -> PlainTextResponse:
        first, second = await asyncio.gather(current_user_async(Account), current_user_async(Account))
        assert first is second is current_user(Account)
        assert await run_in_threadpool(current_user, Account) is first
        assert isinstance(request.user, Principal)
        return PlainTextResponse(first.id)

    app = Starlette(routes=[Route("/", me), Route("/open", public(me))])
    app.add_middleware(AuthMiddleware, auth=auth)
    return of_asgi(app)


def threaded_starlette_app(auth: Auth) -> Asked:
    def me(request: Request) -> PlainTextResponse:
        first = current_user(Account)
        assert current_user(Account) is first
        return PlainTextResponse(first.id)

    app = Starlette(routes=[Route("/", me), Route("/open", public(me))])
    app.add_middleware(AuthMiddleware, auth=auth)
    return of_asgi(app)


def fastapi_app(auth: Auth) -> Asked:
    app = FastAPI()
    FastAPIAuth(app, auth, public=["/open"])

    async def deeper(account: CurrentUser[Account]) -> Account:
        return account

    also = Depends(deeper)

    @app.get("/", response_class=PlainTextResponse)
    def me(account: CurrentUser[Account], same: Account = also) -> str:
        assert account is same
        return account.id

    @app.get("/open", response_class=PlainTextResponse)
    async def opened(principal: OptionalPrincipal) -> str:
        return (await current_user_async(Account)).id

    return of_asgi(app)


def of_asgi(app: Any) -> Asked:
    def asked(token: str) -> tuple[int, str, str]:
        answer = TestClient(app, raise_server_exceptions=False).get("/" if token else "/open", headers=bearer(token))
        return answer.status_code, answer.text, answer.headers.get("WWW-Authenticate", "")

    return asked


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"} if token else {}


SYNC = {"flask": flask_app, "starlette in threads": threaded_starlette_app}
ASYNC = {"starlette": starlette_app, "fastapi": fastapi_app}
WAYS = {
    **{name: (make, Loader) for name, make in {**SYNC, **ASYNC}.items()},
    **{f"{name}, async def": (make, AsyncLoader) for name, make in ASYNC.items()},
}


def load_user_of(loader: Loader) -> Any:
    return loader.load if isinstance(loader, AsyncLoader) else loader


@pytest.fixture(params=WAYS)
def way(request: pytest.FixtureRequest) -> tuple[Asked, Loader]:
    make, kind = WAYS[request.param]
    loader = kind()
    return make(Auth(BEARER, load_user=load_user_of(loader))), loader


def test_the_user_is_loaded_once_in_a_request_and_anew_in_the_next(way: tuple[Asked, Loader]) -> None:
    asked, loader = way
    assert asked("alice")[:2] == (200, "alice")
    assert loader.ids == ["alice"]
    assert asked("alice")[:2] == (200, "alice")
    assert loader.ids == ["alice", "alice"]


def test_an_api_key_stands_for_its_owner(way: tuple[Asked, Loader]) -> None:
    assert way[0]("key")[:2] == (200, "alice")


def test_a_user_who_is_gone_is_a_401_with_the_challenge_of_a_bad_token(way: tuple[Asked, Loader]) -> None:
    asked, loader = way
    status, body, challenge = asked("gone")
    assert (status, 'error="invalid_token"' in challenge) == (401, True)
    assert "authmw.token-invalid" in body
    assert "gone" not in body
    assert loader.ids == ["gone"]


def test_the_log_has_the_code_and_the_id(way: tuple[Asked, Loader], caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "authmw.audit"):
        way[0]("gone")
    assert "authmw.token-user-gone" in caplog.text
    assert "'gone'" in caplog.text.replace("\\x20", " ")


def test_a_client_is_a_403_and_is_not_looked_for(way: tuple[Asked, Loader]) -> None:
    asked, loader = way
    assert asked("machine")[0] == 403
    assert loader.ids == []


def test_nobody_is_a_401_and_is_not_looked_for(way: tuple[Asked, Loader]) -> None:
    asked, loader = way
    status, _, challenge = asked("")
    assert (status, challenge.startswith("Bearer"), "error" in challenge) == (401, True, False)
    assert loader.ids == []


def test_a_loader_that_raises_is_a_503_that_says_nothing_of_it(
    way: tuple[Asked, Loader], caplog: pytest.LogCaptureFixture
) -> None:
    status, body, _ = way[0]("down")
    assert status == 503
    assert "secret" not in body + caplog.text


def test_a_refusal_of_the_loader_is_the_answer(way: tuple[Asked, Loader]) -> None:
    status, _, challenge = way[0]("refused")
    assert (status, 'scope="more"' in challenge) == (403, True)


def test_what_is_no_such_object_is_a_mistake_of_the_program(way: tuple[Asked, Loader]) -> None:
    assert way[0]("wrong")[0] == 500


@pytest.mark.parametrize("name", ASYNC)
@pytest.mark.slow
def test_a_slow_loader_is_a_503_on_an_event_loop(name: str) -> None:
    released = threading.Event()

    def load(principal: Principal) -> Account:
        released.wait(2)  # its loop waits for this thread as it ends
        return Account(principal.id)

    try:
        assert ASYNC[name](Auth(BEARER, load_user=load, store_timeout=0.05))("alice")[0] == 503
    finally:
        released.set()


def test_threads_of_one_request_that_ask_at_once_share_one_call() -> None:
    began, go_on, ids = threading.Event(), threading.Event(), list[str]()

    def load(principal: Principal) -> Account:
        ids.append(principal.id)
        began.set()
        assert go_on.wait(10)
        return Account(principal.id)

    with acting_as(PRINCIPALS["alice"], Auth(BEARER, load_user=load)), ThreadPoolExecutor(3) as threads:
        first = threads.submit(contextvars.copy_context().run, current_user, Account)
        assert began.wait(10)
        others = [threads.submit(contextvars.copy_context().run, current_user, Account) for _ in range(2)]
        go_on.set()
        assert all(each.result() is first.result() for each in others)
    assert ids == ["alice"]


def test_what_outlives_the_request_has_no_user_and_what_carries_the_caller_loads_it_anew() -> None:
    loader = Loader()
    with acting_as(PRINCIPALS["alice"], Auth(BEARER, load_user=loader)):
        assert current_user(Account) == Account("alice")
        call = call_here()
        left, carried = contextvars.copy_context(), carry_caller(lambda: current_user(Account))
    assert call is not None
    assert call.own_user is None
    with pytest.raises(AccessRefused) as refused:
        left.run(current_user, Account)
    assert refused.value.refusal.reason is Reason.CREDENTIALS_MISSING
    assert carried() == Account("alice")
    assert loader.ids == ["alice", "alice"]


def test_outside_of_a_request_there_is_no_user() -> None:
    with pytest.raises(AccessRefused):
        current_user(Account)
    with pytest.raises(AccessRefused):
        asyncio.run(current_user_async(Account))


@pytest.mark.parametrize(
    "load_user, sentence",
    [
        (None, r"write Auth\(\.\.\., load_user=load_user\)"),
        (AsyncLoader().load, r"write `await current_user_async\(Account\)`"),
    ],
    ids=["none", "async def"],
)
def test_a_mistake_is_told_with_the_line_to_write(load_user: Any, sentence: str) -> None:
    auth = Auth(BEARER, load_user=load_user)
    with acting_as(PRINCIPALS["alice"], auth), pytest.raises(ConfigurationError, match=sentence):
        current_user(Account)


def test_the_class_is_asked_for_and_no_object_of_it() -> None:
    asked: Any = Account("alice")
    auth = Auth(BEARER, load_user=Loader())
    with acting_as(PRINCIPALS["alice"], auth), pytest.raises(ConfigurationError, match="takes the class of your user"):
        current_user(asked)


def test_a_load_user_that_is_no_function_is_refused_at_construction() -> None:
    wrong: Any = "accounts.load"
    with pytest.raises(ConfigurationError, match="load_user= is a function of the principal"):
        Auth(BEARER, load_user=wrong)


def test_a_def_that_would_block_the_event_loop_is_refused_with_the_line_to_write(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def me(request: Request) -> PlainTextResponse:
        return PlainTextResponse(current_user(Account).id)

    app = Starlette(routes=[Route("/", me)])
    app.add_middleware(AuthMiddleware, auth=Auth(BEARER, load_user=Loader()))
    with pytest.raises(ConfigurationError, match=r"block the event loop: .*await current_user_async\(Account\)`"):
        TestClient(app).get("/", headers=bearer("alice"))


def test_an_async_view_of_flask_may_use_either() -> None:
    app = Flask("shop")
    FlaskAuth(app, Auth(BEARER, load_user=Loader()))

    @app.get("/")
    async def me() -> str:
        assert await current_user_async(Account) is current_user(Account)
        return current_user(Account).id

    assert app.test_client().get("/", headers=bearer("alice")).text == "alice"


def test_an_async_view_of_flask_may_wait_since_a_thread_serves_its_request_alone() -> None:
    app = Flask("shop")
    FlaskAuth(app, Auth(BEARER, load_user=Loader()))

    @app.get("/")
    async def me() -> str:
        return current_user(Account).id

    assert app.test_client().get("/", headers=bearer("alice")).text == "alice"


def test_the_application_context_of_flask_is_there_and_so_is_a_request_that_a_test_keeps() -> None:
    from flask import current_app

    app = Flask("shop")
    FlaskAuth(app, Auth(BEARER, load_user=lambda principal: Account(f"{current_app.name}:{principal.id}")))
    app.add_url_rule("/", view_func=lambda: flask_user(Account).id)
    with app.test_client() as client:
        assert client.get("/", headers=bearer("alice")).text == "shop:alice"
        assert flask_user(Account) == Account("shop:alice")
        assert (flask_user().id, flask_user.id) == ("alice", "shop:alice")


def test_plain_wsgi_has_it_too() -> None:
    def application(environ: Any, start_response: Any) -> list[bytes]:
        body = current_user(Account).id.encode()
        start_response("200 OK", [])
        return [body]

    guarded = WSGIAuthMiddleware(application, Auth(BEARER, load_user=Loader()))
    statuses: list[str] = []

    def start_response(status: str, headers: Any, exc_info: Any = None) -> Callable[[bytes], object]:
        statuses.append(status)
        return bytes

    for token in ("alice", "gone"):
        environ = {"REQUEST_METHOD": "GET", "PATH_INFO": "/", "HTTP_AUTHORIZATION": f"Bearer {token}"}
        assert list(guarded(environ, start_response))
    assert [status[:3] for status in statuses] == ["200", "401"]


def test_a_mounted_program_loads_by_the_auth_of_the_outer_one() -> None:
    auth = Auth(BEARER, load_user=Loader())
    assert InheritedAuth(auth).load_user is auth.load_user


def test_fastapi_counts_the_scopes_above_and_documents_the_endpoint_as_guarded() -> None:
    app = FastAPI()
    FastAPIAuth(app, Auth(BEARER, load_user=Loader()))

    @app.get("/a", dependencies=[Scopes("a")], response_class=PlainTextResponse)
    async def a(account: CurrentUser[Account]) -> str:
        return account.id

    @app.get("/b", dependencies=[Scopes("b")], response_class=PlainTextResponse)
    async def b(account: CurrentUser[Account]) -> str:
        return account.id

    client = TestClient(app)
    assert [client.get(path, headers=bearer("alice")).status_code for path in ("/a", "/b")] == [200, 403]
    operation = app.openapi()["paths"]["/a"]["get"]
    assert operation["security"] == [{"HTTPBearer": ["a"]}]
    assert "parameters" not in operation


def test_fastapi_opens_nothing_and_needs_an_auth() -> None:
    app = FastAPI()

    @app.get("/")
    async def me(account: CurrentUser[Account]) -> str:
        return account.id

    with pytest.raises(ConfigurationError, match="nothing authenticates this request"):
        TestClient(app).get("/")


def test_fastapi_without_middleware_loads_by_the_auth_of_security() -> None:
    auth = Auth(BEARER, load_user=Loader())
    app, verified = FastAPI(), Security(auth)

    @app.get("/", response_class=PlainTextResponse)
    async def me(principal: Principal = verified) -> str:
        return (await current_user_async(Account)).id

    assert TestClient(app).get("/", headers=bearer("alice")).text == "alice"


def test_a_caller_whom_a_test_replaces_is_the_one_whose_user_is_loaded() -> None:
    app = FastAPI()
    FastAPIAuth(app, Auth(BEARER, load_user=Loader()))

    @app.get("/", response_class=PlainTextResponse)
    async def me(account: CurrentUser[Account]) -> str:
        return account.id

    app.dependency_overrides[caller] = lambda: Principal("bob")
    assert TestClient(app).get("/").text == "bob"
    app.dependency_overrides[caller] = lambda: Principal("gone")
    assert TestClient(app).get("/").status_code == 401


def test_annotations_that_are_strings_are_read(tmp_path: Path) -> None:
    app = FastAPI()
    FastAPIAuth(app, Auth(BEARER, load_user=Loader()))
    names: dict[str, Any] = {"CurrentUser": CurrentUser, "Account": Account}
    exec("from __future__ import annotations\nasync def me(account: CurrentUser[Account]): return account.id", names)
    app.get("/")(names["me"])
    assert TestClient(app).get("/", headers=bearer("alice")).json() == "alice"


@pytest.fixture
def django_user() -> Iterator[Any]:
    with configured():
        from django.contrib.auth.models import User

        User.objects.all().delete()
        User.objects.create_user("reader")
        yield User
        User.objects.all().delete()


@pytest.mark.parametrize("kind", ["wsgi", "asgi"])
@pytest.mark.parametrize("target", ["/own", "/own-later"])
def test_in_django_it_is_the_row_that_the_project_found(django_user: Any, kind: str, target: str) -> None:
    with configured(ROOT_URLCONF="tests.engine.own_user_urls", authmw={"user": "authmw_django.UsernameBackend"}):
        assert said(ask(kind, target, "reader")) == {"username": "reader", "is_request_user": True}
        assert ask(kind, target, "t0ken").status == 403


@pytest.mark.parametrize("kind", ["wsgi", "asgi"])
@pytest.mark.parametrize("target", ["/own", "/own-later"])
def test_in_django_the_loader_of_an_auth_may_use_the_table_of_users(django_user: Any, kind: str, target: str) -> None:
    def load(principal: Principal) -> Any:
        return django_user.objects.filter(username=principal.id).first()

    from tests.adapters.django import site

    auth = Auth(site.auth.accept, load_user=load)
    with configured(ROOT_URLCONF="tests.engine.own_user_urls", authmw={"auth": auth}):
        assert said(ask(kind, target, "reader")) == {"username": "reader", "is_request_user": False}
        assert ask(kind, target, "t0ken").status == 401


def test_a_store_that_is_down_keeps_its_own_error() -> None:
    def load(principal: Principal) -> Account:
        raise StoreUnavailable("the table of accounts")

    auth = Auth(BEARER, load_user=load)
    with acting_as(PRINCIPALS["alice"], auth), pytest.raises(StoreUnavailable, match="the table of accounts"):
        current_user(Account)


def test_what_a_call_keeps_of_one_caller_is_given_to_no_other() -> None:
    alice, account = Principal("alice"), Account("alice")
    call: Any = SimpleNamespace(own_user=(alice, account))
    assert _kept(call, alice) is account
    assert _kept(call, Principal("alice")) is None
    assert _kept(call, Principal("bob")) is None
    call.own_user = None
    assert _kept(call, alice) is None


def test_what_another_thread_has_loaded_meanwhile_is_not_loaded_again() -> None:
    loaded: list[str] = []

    def load(principal: Principal) -> Account:
        loaded.append(principal.id)
        return Account(principal.id)

    loading = Auth(HTTPBearer({"t": Principal("alice")}.get), load_user=load).user_loading
    assert loading is not None
    alice, account = Principal("alice"), Account("alice")
    keeper: Any = SimpleNamespace(own_user=(alice, account))
    assert run(loading._loaded(keeper, alice)) is account  # pyright: ignore[reportPrivateUsage]
    assert loaded == []
    assert run(loading._loaded(keeper, Principal("bob"))) == Account("bob")  # pyright: ignore[reportPrivateUsage]
    assert loaded == ["bob"]
