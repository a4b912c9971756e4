"""Error handlers of a Flask application make the page of a refused navigation, and of nothing else."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import pytest
from authmw_flask import FlaskAuth, current_principal, current_user, requires_scopes
from flask import Blueprint, Flask, Response, flash, make_response, redirect, render_template_string, send_file
from werkzeug.exceptions import Forbidden, HTTPException, Unauthorized
from werkzeug.test import TestResponse

from authmw import (
    AccessRefused,
    ApiKey,
    APIKeyCookie,
    APIKeyHeader,
    Auth,
    Authenticated,
    HTTPBearer,
    Reason,
    Rejected,
    RequestHead,
    Verdict,
)
from tests.adapters.flask.shop import PEOPLE

BROWSER = {"Accept": "text/html,application/xhtml+xml"}
FETCH = {"Sec-Fetch-Mode": "cors", "Sec-Fetch-Dest": "empty", "Accept": "text/html,application/xhtml+xml"}
VARY = "Cookie, Authorization, Sec-Fetch-Mode, Sec-Fetch-Dest, Accept"


class Keys:
    """Knows people by their names, and one source that has tried too often."""

    def verify(self, credentials: ApiKey, request: RequestHead, /) -> Verdict:
        if credentials.key == "flood":
            return Rejected(Reason.TOO_MANY_ATTEMPTS, retry_after=30)
        known = PEOPLE.get(credentials.key)
        return Rejected(Reason.KEY_UNKNOWN) if known is None else Authenticated(known)


def shop(**settings: Any) -> Flask:
    """An application without handlers."""
    app = Flask("shop", static_folder=None)
    app.secret_key = "for tests alone"
    app.add_url_rule("/any", view_func=lambda: "any", endpoint="any")
    app.add_url_rule("/scoped", view_func=requires_scopes("orders:write")(lambda: "scoped"), endpoint="scoped")

    @app.get("/deep")
    def deep() -> str:
        current_principal.require("orders:write")
        return "deep"

    team = Blueprint("team", "team", url_prefix="/team")
    team.add_url_rule("/any", view_func=lambda: "any", endpoint="any")
    team.add_url_rule("/scoped", view_func=requires_scopes("orders:write")(lambda: "scoped"), endpoint="scoped")
    app.extensions["team"] = team
    FlaskAuth(app, Auth(APIKeyCookie("key", Keys()) | HTTPBearer(PEOPLE.get), **settings))
    return app


def ask(app: Flask, path: str, who: str = "", headers: dict[str, str] = BROWSER, method: str = "GET") -> TestResponse:
    """One request with the cookie of `who`."""
    cookie = {"Cookie": f"key={who}"} if who else {}
    return app.test_client(use_cookies=False).open(path, method=method, headers={**headers, **cookie}, buffered=True)


def wire(answer: TestResponse) -> tuple[str, list[tuple[str, str]], bytes]:
    """Everything that the client gets."""
    return answer.status, list(answer.headers), answer.data


REFUSED = [("/any", "", 401), ("/nothing", "", 401), ("/scoped", "reader", 403), ("/deep", "reader", 403)]


def by_status(app: Flask) -> None:
    app.register_error_handler(401, page)
    app.register_error_handler(403, page)


def by_class(app: Flask) -> None:
    app.register_error_handler(Unauthorized, page)
    app.register_error_handler(Forbidden, page)


def by_base(app: Flask) -> None:
    app.register_error_handler(HTTPException, page)


def by_refusal(app: Flask) -> None:
    app.register_error_handler(AccessRefused, page_of_refusal)


def by_async(app: Flask) -> None:
    async def made(error: HTTPException) -> Any:
        return page(error)

    app.register_error_handler(HTTPException, made)


def page(error: HTTPException) -> tuple[str, int]:
    """A page with the status that the handler was asked about."""
    return render_template_string(
        "<h1>{{ code }}</h1> {{ who }}", code=error.code, who=current_user.id
    ), error.code or 0


def page_of_refusal(error: AccessRefused) -> tuple[str, int]:
    """The same, by the refusal."""
    status = error.refusal.status
    return f"<h1>{status}</h1> {current_user.id}", status


def team_page(error: HTTPException) -> tuple[str, int]:
    """The page of a blueprint."""
    return f"team {error.code}", error.code or 0


EACH = pytest.mark.parametrize("register", [by_status, by_class, by_base, by_refusal, by_async])


@EACH
@pytest.mark.parametrize("path, who, status", REFUSED)
def test_a_handler_makes_the_page_of_a_navigation(
    register: Callable[[Flask], None], path: str, who: str, status: int
) -> None:
    app = shop()
    register(app)
    answer, plain = ask(app, path, who), ask(shop(), path, who)
    assert (answer.status_code, answer.text) == (status, f"<h1>{status}</h1> {who}")
    assert answer.headers.getlist("WWW-Authenticate") == plain.headers.getlist("WWW-Authenticate")
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Vary"].startswith(VARY)
    assert answer.headers["Content-Length"] == str(len(answer.data))
    assert answer.content_type.startswith("text/html")


@EACH
@pytest.mark.parametrize("headers", [FETCH, {}, {"Accept": "*/*"}, {**BROWSER, "Authorization": "Bearer x"}])
@pytest.mark.parametrize("path, who, status", REFUSED)
def test_nothing_else_is_changed_by_it(
    register: Callable[[Flask], None], path: str, who: str, status: int, headers: dict[str, str]
) -> None:
    app = shop()
    register(app)
    for method in ("GET", "HEAD", *(() if who else ("POST",))):
        assert wire(ask(app, path, who, headers, method)) == wire(ask(shop(), path, who, headers, method))


def test_a_handler_may_send_the_caller_elsewhere() -> None:
    app = shop()

    @app.errorhandler(401)
    def log_in(error: HTTPException) -> Any:
        flash("log in first")
        return redirect("/log-in?from=any")

    for path in ("/any", "/nothing"):
        answer = ask(app, path, "gone")
        assert (answer.status_code, answer.location) == (302, "/log-in?from=any")
        assert answer.headers["Cache-Control"] == "no-store"
        assert {each.partition("=")[0] for each in answer.headers.getlist("Set-Cookie")} >= {"session"}


def test_a_dead_cookie_is_cleared_by_the_page_too() -> None:
    auth = Auth(APIKeyCookie("__Host-key", PEOPLE.get))
    app = Flask("shop", static_folder=None)
    FlaskAuth(app, auth)
    plain = app.test_client(use_cookies=False).get("/", headers={"Cookie": "__Host-key=gone"})
    by_status(app)
    answer = app.test_client(use_cookies=False).get("/", headers={"Cookie": "__Host-key=gone", **BROWSER})
    assert answer.text.startswith("<h1>401")
    assert answer.headers.getlist("Set-Cookie") == plain.headers.getlist("Set-Cookie")


def test_a_blueprint_has_handlers_of_its_own() -> None:
    app = shop()
    by_status(app)
    team = app.extensions["team"]
    team.register_error_handler(401, team_page)
    team.register_error_handler(403, team_page)
    app.register_blueprint(team)
    assert ask(app, "/team/any").text == "team 401"
    assert ask(app, "/team/scoped", "reader").text == "team 403"
    assert ask(app, "/any").text.startswith("<h1>401")


def _ok(error: HTTPException) -> str:
    return "welcome"


def _other_status(error: HTTPException) -> tuple[str, int]:
    return "teapot", 418


def _not_modified(error: HTTPException) -> tuple[str, int]:
    return "", 304


def _nowhere(error: HTTPException) -> tuple[str, int]:
    return "", 302


def _nothing(error: HTTPException) -> None:
    return None


def _raises(error: HTTPException) -> str:
    raise LookupError("s3cret")


def _refuses(error: HTTPException) -> str:
    current_principal.require("orders:delete")
    return ""


@pytest.mark.parametrize("handler", [_ok, _other_status, _not_modified, _nowhere, _nothing, _raises, _refuses])
def test_anything_else_is_replaced_by_the_refusal_and_logged_once(
    handler: Any, caplog: pytest.LogCaptureFixture
) -> None:
    for path, who, status in REFUSED:
        app = shop()
        app.register_error_handler(HTTPException, handler)
        caplog.clear()
        with caplog.at_level(logging.ERROR, "authmw"):
            answers = [wire(ask(app, path, who)) for _ in range(3)]
        assert answers == [wire(ask(shop(), path, who))] * 3
        (record,) = [record.getMessage() for record in caplog.records if record.name == "authmw"]
        assert f"errorhandler({status})" in record
        assert "s3cret" not in record


def test_a_page_cannot_make_itself_cacheable_or_change_the_challenge() -> None:
    app = shop()

    @app.errorhandler(401)
    def cached(error: HTTPException) -> Response:
        answer = make_response("<h1>401</h1>", 401)
        answer.headers.update({"Cache-Control": "public, max-age=60", "WWW-Authenticate": "Own", "ETag": '"a"'})
        answer.headers["X-Own"] = "kept"
        return answer

    answer = ask(app, "/any")
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["X-Own"] == "kept"
    assert "ETag" not in answer.headers
    assert "Own" not in answer.headers.getlist("WWW-Authenticate")


def test_a_file_is_a_page_too() -> None:
    app = shop()
    app.register_error_handler(401, lambda error: (send_file(__file__), 401))
    answer = ask(app, "/any")
    assert answer.status_code == 401
    assert b"A file is a page" not in answer.data[:20]
    assert answer.data.startswith(b'"""Error handlers of a Flask')


def test_other_refusals_get_pages_too() -> None:
    app = Flask("shop", static_folder=None)
    app.register_error_handler(429, lambda error: (f"<h1>{error.code}</h1>", error.code))
    FlaskAuth(app, Auth(APIKeyHeader("X-Key", Keys())))
    answer = ask(app, "/", headers={**BROWSER, "X-Key": "flood"})
    assert (answer.status_code, answer.text, answer.headers["Retry-After"]) == (429, "<h1>429</h1>", "30")


def test_the_login_page_goes_first() -> None:
    app = shop(login="/login")
    by_status(app)
    assert ask(app, "/any").location == "/login?next=/any"
    assert ask(app, "/scoped", "reader").text.startswith("<h1>403")


@pytest.mark.parametrize("setting", ["testing", "TRAP_HTTP_EXCEPTIONS", "PROPAGATE_EXCEPTIONS"])
@pytest.mark.parametrize("path, who, status", REFUSED)
def test_no_setting_changes_the_page(setting: str, path: str, who: str, status: int) -> None:
    app = shop()
    app.config[setting.upper()] = True
    by_status(app)
    assert ask(app, path, who).text == f"<h1>{status}</h1> {who}"


def test_no_view_and_no_function_before_it_runs_for_the_page() -> None:
    app, ran = shop(), list[str]()

    def view() -> str:
        ran.append("view")
        return "any"

    app.before_request_funcs[None].append(lambda: ran.append("before"))
    app.view_functions["any"] = view
    by_status(app)
    assert ask(app, "/any").status_code == 401
    assert ran == []
