"""`FlaskAuth`: where it keeps its state, and what it refuses to be configured with."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from authmw_flask import FlaskAuth, current_principal
from flask import Flask

from authmw import Auth, ConfigurationError, HTTPBearer, Principal
from tests.adapters.flask.shop import ask, shop_auth
from tests.support import fresh_python


def _whoami() -> str:
    return current_principal.id


def _other(token: str) -> Principal | None:
    return Principal("other") if token == "o" else None


def _app(**config: object) -> Flask:
    app = Flask("shop")
    for name, value in config.items():
        app.config[name] = value
    app.add_url_rule("/", view_func=_whoami)
    return app


def test_constructor_guards_the_application() -> None:
    app = _app()
    FlaskAuth(app, shop_auth())
    assert ask(app, "/").status_code == 401
    assert ask(app, "/", as_="reader").text == "reader"


def test_init_app_takes_the_auth_of_the_constructor_or_its_own() -> None:
    first, second = _app(), _app()
    extension = FlaskAuth(auth=shop_auth(), public=["/"])
    extension.init_app(first)
    extension.init_app(second, Auth(HTTPBearer(_other)))
    assert ask(first, "/", as_="reader").text == "reader"
    assert ask(second, "/", as_="reader").status_code == 401
    assert ask(second, "/", as_="o").text == "other"


def test_several_applications_in_a_process_keep_apart() -> None:
    strict, open_ = _app(), _app()
    FlaskAuth(strict, shop_auth())
    FlaskAuth(open_, shop_auth(), default="allow")
    assert (ask(strict, "/").status_code, ask(open_, "/").status_code) == (401, 200)
    assert strict.extensions["authmw"] is not open_.extensions["authmw"]
    assert (strict.extensions["authmw"].default, open_.extensions["authmw"].default) == ("deny", "allow")


def test_an_application_is_guarded_once() -> None:
    app = _app()
    FlaskAuth(app, shop_auth())
    with pytest.raises(ConfigurationError, match="guarded already"):
        FlaskAuth(app, shop_auth())


def test_an_application_that_serves_already_is_not_guarded_halfway() -> None:
    app = _app()
    ask(app, "/")
    before = app.wsgi_app
    with pytest.raises(AssertionError, match="setup method"):
        FlaskAuth(app, shop_auth())
    assert app.wsgi_app == before


def test_without_an_auth_there_is_nothing_to_guard_by() -> None:
    with pytest.raises(ConfigurationError, match=r"FlaskAuth\(app, auth\)"):
        FlaskAuth(_app())


@pytest.mark.parametrize(
    "value", ["/", "/health, /", ["/"], ("/health", "GET /")], ids=["string", "commas", "list", "tuple"]
)
def test_public_paths_come_from_the_configuration(value: object) -> None:
    app = _app(AUTHMW_PUBLIC=value)
    FlaskAuth(app, shop_auth())
    assert ask(app, "/").status_code == 200


def test_the_default_comes_from_the_configuration() -> None:
    app = _app(AUTHMW_DEFAULT="allow")
    FlaskAuth(app, shop_auth())
    assert ask(app, "/").status_code == 200


def test_an_explicit_argument_goes_before_the_configuration() -> None:
    app = _app(AUTHMW_DEFAULT="allow", AUTHMW_PUBLIC=["/"])
    FlaskAuth(app, shop_auth(), default="deny", public=[])
    assert ask(app, "/").status_code == 401


def test_prefixed_environment_variables_reach_the_extension(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLASK_AUTHMW_PUBLIC", '["/"]')
    app = _app()
    app.config.from_prefixed_env()
    FlaskAuth(app, shop_auth())
    assert ask(app, "/").status_code == 200


def test_every_mistake_of_a_configuration_is_told_at_once() -> None:
    app = _app(AUTHMW_DEFUALT="allow", AUTHMW_DEFAULT="open", AUTHMW_PUBLIC=["health"], AUTHMW_XYZZY=1)
    with pytest.raises(ConfigurationError) as error:
        FlaskAuth(app, shop_auth())
    assert len(error.value.mistakes) == 4
    for said in ("did you mean AUTHMW_DEFAULT?", "default='open'", "'health'", "AUTHMW_XYZZY"):
        assert said in str(error.value)
    assert "authmw" not in app.extensions


@pytest.mark.parametrize("value", [5, None, [5], {"/": 1}], ids=repr)
def test_public_paths_that_are_no_paths_are_refused(value: object) -> None:
    with pytest.raises(ConfigurationError, match="AUTHMW_PUBLIC"):
        FlaskAuth(_app(AUTHMW_PUBLIC=value), shop_auth())


def test_an_application_makes_its_own_functions_sync_in_its_own_way() -> None:
    class Own(Flask):
        def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
            made.append(func.__name__)
            return super().ensure_sync(func)

    made, app = list[str](), Own("shop", static_folder=None)

    async def before() -> None:
        """Do nothing."""

    @app.get("/")
    async def view() -> str:
        return current_principal.id

    app.before_request(before)
    FlaskAuth(app, shop_auth())
    assert ask(app, "/", as_="reader").text == "reader"
    assert made == ["before", "view"]
    assert ask(app, "/").status_code == 401
    assert made == ["before", "view"]


def test_without_flask_the_import_says_what_to_install() -> None:
    code = "import sys; sys.modules['flask'] = None; import authmw_flask"
    assert 'pip install "authmw[flask]"' in fresh_python("-c", code).stderr
