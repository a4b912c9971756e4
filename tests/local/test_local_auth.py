"""`LocalAuth` of each adapter: users, logins, API keys and Basic by one call, on this machine."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import authmw_fastapi
import authmw_flask
import authmw_starlette
import pytest
from fastapi import FastAPI
from flask import Flask
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.testclient import TestClient

from authmw import ConfigurationError, Principal, acting_as, current_user, requires_scopes
from authmw.local.local import local_of
from authmw.stores import MemoryStores
from authmw.testing import assert_all_protected

PASSWORD = "correct horse battery staple"


class Service:
    """An application with `LocalAuth`, and a client of it."""

    def __init__(self, app: Any, auth: Any, ask: Callable[..., tuple[int, Any]]) -> None:
        self.app, self.auth, self.ask = app, auth, ask


def flask_service(*, config: Mapping[str, Any] | None = None, server: str = "localhost", **given: Any) -> Service:
    app = Flask("shop")
    app.config.from_mapping(config or {})
    auth = authmw_flask.LocalAuth(app, **given)

    @app.get("/orders")
    @requires_scopes("orders:read")
    def orders() -> dict[str, str]:
        return {"hello": authmw_flask.current_principal().id}

    def ask(method: str, path: str, **options: Any) -> tuple[int, Any]:
        if server != "localhost":
            options["environ_overrides"] = {"SERVER_NAME": server}
        answer = app.test_client().open(path, method=method, **options)
        return answer.status_code, answer.json if answer.is_json else answer.text

    return Service(app, auth, ask)


def _asgi_client(app: Any, server: str) -> Callable[..., tuple[int, Any]]:
    async def placed(scope: Any, receive: Any, send: Any) -> None:
        await app({**scope, "server": (server, 80)}, receive, send)

    def ask(method: str, path: str, **options: Any) -> tuple[int, Any]:
        answer = TestClient(placed).request(method, path, **options)
        is_json = "json" in answer.headers.get("content-type", "")
        return answer.status_code, answer.json() if is_json else answer.text

    return ask


def starlette_service(*, server: str = "testserver", **given: Any) -> Service:
    app = Starlette()
    auth = authmw_starlette.LocalAuth(app, **given)

    @requires_scopes("orders:read")
    async def orders(request: Request) -> JSONResponse:
        return JSONResponse({"hello": request.user.id})

    app.add_route("/orders", orders)
    return Service(app, auth, _asgi_client(app, server))


def fastapi_service(*, server: str = "testserver", **given: Any) -> Service:
    app = FastAPI()
    auth = authmw_fastapi.LocalAuth(app, **given)

    @app.get("/orders")
    async def orders(caller: Annotated[Principal, authmw_fastapi.Scopes("orders:read")]) -> dict[str, str]:
        return {"hello": caller.id}

    return Service(app, auth, _asgi_client(app, server))


MAKERS: dict[str, Callable[..., Service]] = {
    "flask": flask_service,
    "starlette": starlette_service,
    "fastapi": fastapi_service,
}


@pytest.fixture(params=MAKERS)
def make(request: pytest.FixtureRequest) -> Callable[..., Service]:
    return MAKERS[request.param]


def add_alice(service: Service) -> None:
    service.auth.local.stores.users.create("alice", PASSWORD, scopes=["orders:read"])


def test_a_user_logs_in_and_out(make: Callable[..., Service]) -> None:
    service = make()
    add_alice(service)
    assert service.ask("GET", "/orders")[0] == 401
    form = {"grant_type": "password", "username": "alice", "password": PASSWORD}
    status, issued = service.ask("POST", "/auth/token", data=form)
    assert status == 200
    bearer = {"Authorization": f"Bearer {issued['access_token']}"}
    assert service.ask("GET", "/orders", headers=bearer) == (200, {"hello": "alice"})
    assert service.ask("POST", "/auth/token", data=form | {"password": "wrong"})[0] == 400
    assert service.ask("POST", "/auth/revoke", data={"token": issued["refresh_token"]})[0] == 200
    refresh = {"grant_type": "refresh_token", "refresh_token": issued["refresh_token"]}
    assert service.ask("POST", "/auth/token", data=refresh)[0] == 400
    assert service.ask("GET", "/.well-known/oauth-authorization-server/auth")[0] == 200


def test_basic_and_api_keys_are_accepted_too(make: Callable[..., Service]) -> None:
    service = make()
    add_alice(service)
    assert service.ask("GET", "/orders", auth=("alice", PASSWORD)) == (200, {"hello": "alice"})
    assert service.ask("GET", "/orders", auth=("alice", "wrong"))[0] == 401
    key, _ = service.auth.local.stores.keys.create("robot", scopes=["orders:read"])
    assert service.ask("GET", "/orders", headers={"X-API-Key": str(key)}) == (200, {"hello": "robot"})
    other, _ = service.auth.local.stores.keys.create("cleaner", scopes=["orders:write"])
    assert service.ask("GET", "/orders", headers={"X-API-Key": str(other)})[0] == 403
    assert service.ask("GET", "/orders", headers={"X-API-Key": "invented"})[0] == 401


def test_a_second_start_and_a_second_process_take_the_same_tokens(make: Callable[..., Service]) -> None:
    first = make()
    add_alice(first)
    form = {"grant_type": "password", "username": "alice", "password": PASSWORD}
    token = first.ask("POST", "/auth/token", data=form)[1]["access_token"]
    second = make()
    assert second.ask("GET", "/orders", headers={"Authorization": f"Bearer {token}"})[0] == 200


def test_the_arguments_of_the_guard_are_passed_on(make: Callable[..., Service]) -> None:
    service = make(public=["/health"], needs={"/orders": "orders:admin"})
    add_alice(service)
    assert service.ask("GET", "/health")[0] == 404
    assert service.ask("GET", "/other")[0] == 401
    assert service.ask("GET", "/orders", auth=("alice", PASSWORD))[0] == 403


@pytest.mark.parametrize("server", ["0.0.0.0", "192.0.2.7", "2001:db8::1"])
def test_another_machine_is_not_served_with_assumed_settings(
    make: Callable[..., Service], server: str, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    service = make(server=server)
    add_alice(service)
    with caplog.at_level(logging.ERROR, "authmw.local"):
        for _ in range(2):
            status, body = service.ask("GET", "/orders", auth=("alice", PASSWORD))
            assert (status, body) == (
                503,
                "This service serves its own machine only, until it is configured. Its log says what to set.\n",
            )
            assert service.ask("POST", "/auth/token", data={"grant_type": "password"})[0] == 503
    (said,) = [record.getMessage() for record in caplog.records if record.levelno == logging.ERROR]
    assert all(f"AUTHMW_{name}" in said for name in ("ISSUER", "AUDIENCE", "DATABASE", "KEYS"))
    monkeypatch.setenv("AUTHMW_ENV", "development")
    assert make(server=server).ask("GET", "/orders", auth=("alice", PASSWORD))[0] == 200


@pytest.mark.parametrize("server", ["127.0.0.1", "127.8.8.8", "::1", "localhost"])
def test_this_machine_is_served(make: Callable[..., Service], server: str) -> None:
    service = make(server=server)
    add_alice(service)
    assert service.ask("GET", "/orders", auth=("alice", PASSWORD))[0] == 200


SAID: dict[str, Any] = {
    "issuer": "https://shop.example/auth",
    "audience": "shop",
    "database": "sqlite:///shop.db",
    "keys": "shop.json",
}


def test_production_wants_everything_said_and_makes_no_keys(
    make: Callable[..., Service], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AUTHMW_ENV", "production")
    with pytest.raises(ConfigurationError) as raised:
        make()
    assert len(raised.value.mistakes) == 4
    with pytest.raises(ConfigurationError) as raised:
        make(**SAID)
    database, keys = raised.value.mistakes
    assert database.endswith("there is no database sqlite:///shop.db: create it by `authmw db upgrade`")
    assert "shop.json does not exist: `authmw jwk generate` makes it" in keys
    assert list(folder.iterdir()) == []
    monkeypatch.delenv("AUTHMW_ENV")
    add_alice(make(**SAID))
    monkeypatch.setenv("AUTHMW_ENV", "production")
    service = make(**SAID, server="192.0.2.7")
    assert service.ask("GET", "/orders", auth=("alice", PASSWORD))[0] == 200


def test_mistakes_in_database_and_keys_are_said_together(make: Callable[..., Service], folder: Path) -> None:
    (folder / "keys.json").write_text("no keys")
    with pytest.raises(ConfigurationError) as raised:
        make(database="mysql://root:s3cret@db/shop")
    database, keys = raised.value.mistakes
    assert "no adapter opens a database with the scheme 'mysql'" in database
    assert "keys.json is no JWK Set" in keys
    assert "s3cret" not in str(raised.value)


def test_the_set_up_is_found_by_the_application(make: Callable[..., Service]) -> None:
    service = make()
    assert local_of(service.app) is service.auth.local
    assert local_of(make().app) is not service.auth.local
    assert local_of(Flask("other")) is None
    assert local_of(object()) is None


def test_flask_reads_app_config_and_refuses_what_is_no_setting() -> None:
    service = flask_service(config={"AUTHMW_AUDIENCE": "shop", "AUTHMW_PUBLIC": "/health"})
    assert service.auth.local.settings.audience == ("shop",)
    assert service.ask("GET", "/health")[0] == 404
    with pytest.raises(ConfigurationError, match=r"AUTHMW_AUDIANCE in app.config .*did you mean AUTHMW_AUDIENCE"):
        flask_service(config={"AUTHMW_AUDIANCE": "shop"})
    app = Flask("shop")
    app.config["AUTHMW_DATABASE"] = "sqlite:///shop.db"
    with pytest.raises(ConfigurationError, match=r"write LocalAuth\(app\) in place of FlaskAuth"):
        authmw_flask.FlaskAuth(app, service.auth.local.auth)


@dataclass
class Account:
    """The application's own user."""

    name: str


def test_the_applications_own_user_is_loaded(make: Callable[..., Service]) -> None:
    def load_user(principal: Principal) -> Account:
        return Account(principal.id.upper())

    service = make(load_user=load_user)
    with acting_as(Principal("alice"), auth=service.auth.local.auth):
        assert current_user(Account) == Account("ALICE")


def test_a_second_set_up_is_refused(make: Callable[..., Service]) -> None:
    service = make()
    with pytest.raises(ConfigurationError, match="is guarded already"):
        service.auth.init_app(service.app)


def test_the_token_service_needs_no_entry_in_assert_all_protected(make: Callable[..., Service]) -> None:
    service = make()
    pages = {f"GET {each}" for each in ("/openapi.json", "/docs", "/docs/oauth2-redirect", "/redoc")}
    assert_all_protected(service.app)
    if isinstance(service.app, FastAPI):
        opened = FastAPI()
        authmw_fastapi.LocalAuth(opened, docs="public")
        assert_all_protected(opened, public=pages)


def test_a_later_init_app_sets_up() -> None:
    later = authmw_flask.LocalAuth(audience="shop")
    app = Flask("shop")
    later.init_app(app)
    assert later.local.settings.audience == ("shop",)
    assert app.test_client().get("/").status_code == 401


def test_what_is_no_application_is_refused(make: Callable[..., Service]) -> None:
    module = {"flask_service": authmw_flask, "starlette_service": authmw_starlette}.get(make.__name__, authmw_fastapi)
    other: Any = MemoryStores()
    with pytest.raises(ConfigurationError, match=r"write LocalAuth\(app\)"):
        module.LocalAuth(other)


@pytest.mark.parametrize(
    "database",
    [
        "postgresql+psycopg://127.0.0.1:9/shop?user=shop&password=hunter2",
        "postgresql+psycopg://shop:hunter2@127.0.0.1:9/shop",
    ],
)
def test_log_1_where_the_users_are_is_logged_without_a_password(
    database: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, "authmw.local"):
        authmw_flask.LocalAuth(Flask("shop"), database=database, keys=tmp_path / "keys.json")
    assert "users are in postgresql+psycopg://127.0.0.1:9/shop, and keys in" in caplog.text
    assert "hunter2" not in caplog.text
