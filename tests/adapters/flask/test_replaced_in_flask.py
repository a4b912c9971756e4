"""What functions and layers replace after the check: the method, the rule, the arguments, the environ."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any, Final

import pytest
from authmw_flask import FlaskAuth, authenticated, public, requires, requires_scopes
from flask import Blueprint, Flask, Request, Response, has_request_context, request
from flask.globals import request_ctx
from flask.views import MethodView
from werkzeug.routing import BaseConverter

from authmw import Principal, RequestHead, carry_caller
from authmw.http.refusal import AccessRefused
from authmw.http.request import Environ
from authmw.http.response import StartResponse, WSGIApp
from authmw.identity.calling import current_call
from tests.adapters.flask.shop import ask, shop_auth

WRITERS: Final = requires_scopes("orders:write")
Wrap = Callable[[WSGIApp], WSGIApp]


class Items(MethodView):
    @public
    def get(self) -> str:
        return "list"

    def put(self) -> str:
        return "put"

    @WRITERS
    def delete(self) -> str:
        return "deleted"


class Overridden(Request):
    """A request whose method is that of the usual header."""

    @property
    def method(self) -> str:
        return str(self.environ.get("HTTP_X_METHOD", self._method))

    @method.setter
    def method(self, method: str) -> None:  # pyright: ignore[reportIncompatibleVariableOverride]
        self._method = method


def _set_method() -> None:
    request.method = request.headers.get("X-Method", request.method)


def _set_request() -> None:
    other = request_ctx.request
    made = type(other)({**other.environ, "REQUEST_METHOD": other.headers.get("X-Method", other.method)})
    made.url_rule, made.view_args = other.url_rule, other.view_args
    request_ctx.request = made


def _set_rule() -> None:
    named = request.headers.get("X-Rule", request.endpoint)
    request.url_rule = next(each for each in request_ctx.app.url_map.iter_rules() if each.endpoint == named)


def _by_function(function: Callable[[], None]) -> Callable[[Flask], None]:
    return lambda app: app.before_request_funcs.setdefault(None, []).append(function)


def _by_dispatch_of_preprocessing(app: Flask) -> None:
    preprocess = app.preprocess_request

    def preprocess_request(*args: Any) -> Any:
        answer = preprocess(*args)
        _set_method()
        return answer

    setattr(app, "preprocess_request", preprocess_request)  # noqa: B010 - as extensions do


def _by_class(app: Flask) -> None:
    app.request_class = Overridden


METHODS: Final = {
    "function": _by_function(_set_method),
    "another request": _by_function(_set_request),
    "preprocessing": _by_dispatch_of_preprocessing,
    "class": _by_class,
}


def _shop(replacing: Callable[[Flask], None], **settings: Any) -> Flask:
    app = Flask("shop", static_folder=None)
    replacing(app)
    app.add_url_rule("/items", view_func=Items.as_view("items"))
    app.add_url_rule("/open", "open", public(lambda: "open"))
    app.add_url_rule("/closed", "closed", lambda: "closed")
    app.add_url_rule("/writers", "writers", WRITERS(lambda: "writers"))
    WRITERS(bare := lambda: "bare")  # as a decorator that stands above `@app.get`
    app.add_url_rule("/bare", "bare", bare)
    FlaskAuth(app, shop_auth(), **settings)
    return app


@pytest.mark.parametrize("replacing", METHODS.values(), ids=METHODS)
@pytest.mark.parametrize("method, statuses", [("GET", [200, 200, 200]), ("PUT", [401, 200, 200])])
def test_what_a_replaced_method_reaches_is_checked(
    replacing: Callable[[Flask], None], method: str, statuses: list[int]
) -> None:
    app = _shop(replacing)
    assert [ask(app, "/items", as_=who, X_Method=method).status_code for who in ("", "reader", "writer")] == statuses


@pytest.mark.parametrize("replacing", METHODS.values(), ids=METHODS)
def test_a_replaced_method_needs_its_scopes(replacing: Callable[[Flask], None]) -> None:
    app = _shop(replacing)
    asked = [ask(app, "/items", as_=who, X_Method="DELETE") for who in ("", "reader", "writer")]
    assert [(each.status_code, "deleted" in each.text) for each in asked] == [(401, False), (403, False), (200, True)]


@pytest.mark.parametrize("replacing", METHODS.values(), ids=METHODS)
@pytest.mark.parametrize("default", ["deny", "allow"])
@pytest.mark.parametrize("pattern, status", [("GET /items", 401), ("/items", 200), ("PUT /items", 200)])
def test_a_path_that_is_public_for_one_method_opens_no_other(
    replacing: Callable[[Flask], None], default: str, pattern: str, status: int
) -> None:
    class Undeclared(MethodView):
        def get(self) -> str:
            return "list"

        def put(self) -> str:
            return "put"

    app = Flask("shop", static_folder=None)
    replacing(app)
    app.add_url_rule("/items", view_func=Undeclared.as_view("items"))
    FlaskAuth(app, shop_auth(), public=["GET /items", pattern], default=default)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    assert ask(app, "/items").text == "list"
    assert ask(app, "/items", X_Method="PUT").status_code == (status if default == "deny" else 200)


@pytest.mark.parametrize("at", ["/open", "/closed"])
@pytest.mark.parametrize(
    "rule, statuses", [("open", [200] * 3), ("closed", [401, 200, 200])]
    + [(each, [401, 403, 200]) for each in ("writers", "bare")],
)  # fmt: skip
def test_the_view_of_a_replaced_rule_is_checked(at: str, rule: str, statuses: list[int]) -> None:
    app = _shop(_by_function(_set_rule))
    if at == "/closed":
        statuses = [401, *statuses[1:]]
    assert [ask(app, at, as_=who, X_Rule=rule).status_code for who in ("", "reader", "writer")] == statuses


def test_a_function_of_a_blueprint_leads_to_no_closed_method() -> None:
    app, blueprint = Flask("shop", static_folder=None), Blueprint("items", __name__)
    blueprint.before_request(_set_method)
    blueprint.add_url_rule("/items", view_func=Items.as_view("all"))
    app.register_blueprint(blueprint)
    FlaskAuth(app, shop_auth())
    assert ask(app, "/items").text == "list"
    assert [ask(app, "/items", X_Method=method).status_code for method in ("PUT", "DELETE")] == [401, 401]


def test_a_method_that_becomes_a_preflight_reaches_no_view() -> None:
    class Answering(Items):
        provide_automatic_options = False

        def options(self) -> str:
            return "options"

        @public
        def get(self) -> str:
            return "list"

    app = Flask("shop", static_folder=None)
    app.before_request_funcs.setdefault(None, []).append(_set_method)
    app.add_url_rule("/items", view_func=Answering.as_view("items"))
    FlaskAuth(app, shop_auth())
    assert ask(app, "/items", X_Method="OPTIONS").status_code == 401


def test_a_view_is_checked_where_the_function_of_the_check_was_taken_out() -> None:
    app = _shop(lambda app: None)
    app.before_request_funcs[None].clear()
    assert [ask(app, "/closed", as_=who).status_code for who in ("", "reader")] == [401, 200]
    assert [ask(app, "/bare", as_=who).status_code for who in ("reader", "writer")] == [403, 200]


def test_a_request_that_nothing_replaces_is_checked_once() -> None:
    asked = list[str]()

    def asking(principal: Principal, head: RequestHead) -> bool:
        asked.append(head.path_params["name"])
        return True

    def view(name: str) -> str:
        return name

    app = Flask("shop", static_folder=None)
    requires(asking)(view)  # enforced by the check alone
    app.add_url_rule("/of/<name>", "view", view)
    app.before_request(lambda: None)
    FlaskAuth(app, shop_auth())
    assert (ask(app, "/of/reader", as_="reader").text, asked) == ("reader", ["reader"])


# What predicates judge.


def _is_own(principal: Principal, head: RequestHead) -> bool:
    return bool(head.path_params["name"] == principal.id)


def _named(name: str) -> str:
    return name


def _is_own_path(principal: Principal, head: RequestHead) -> bool:
    return head.path == f"/path/{principal.id}"


def _reads(principal: Principal, head: RequestHead) -> bool:
    return head.method == "GET"


def _copying(app: WSGIApp) -> WSGIApp:
    return lambda environ, start_response: app(dict(environ), start_response)


def _rewriting(app: WSGIApp) -> WSGIApp:
    def layer(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        to = environ.get("HTTP_X_ORIGINAL_URL")
        return app({**environ, "PATH_INFO": to} if to else environ, start_response)

    return layer


def _streamed(part: Callable[[], str]) -> Iterator[str]:
    """A body that Flask iterates over when it is done with the request."""
    assert not has_request_context()
    try:
        yield part()
    except AccessRefused:
        yield "refused"


def _people(layer: Wrap | None, **settings: Any) -> Flask:
    app = Flask("shop", static_folder=None)

    def bare(name: str) -> str:
        return name

    requires(_is_own)(bare)  # enforced by the check alone
    app.add_url_rule("/bare/<name>", "bare", bare)
    app.add_url_rule("/own/<name>", "own", requires(_is_own)(_named))
    app.add_url_rule("/path/<name>", "path", requires(_is_own_path)(_named))
    helper = requires(_is_own)(_named)

    def called(name: str) -> str:
        return helper(name)

    def carried(name: str) -> str:
        return carry_caller(helper)(name)

    app.add_url_rule("/called/<name>", "called", called)

    def streamed(name: str) -> Response:
        return Response(_streamed(partial(helper, name)))

    app.add_url_rule("/carried/<name>", "carried", carried)
    app.add_url_rule("/streamed/<name>", "streamed", streamed)
    if layer is not None:
        setattr(app, "wsgi_app", layer(app.wsgi_app))  # noqa: B010 - Flask's way
    FlaskAuth(app, shop_auth(), **settings)
    return app


VIEWS: Final = ("bare", "own", "path", "called", "carried")


@pytest.mark.parametrize("hidden", [True, False])
@pytest.mark.parametrize("layer", [None, _copying, _rewriting])
@pytest.mark.parametrize("view", VIEWS)
def test_predicates_judge_the_request_that_the_view_gets(layer: Wrap | None, view: str, hidden: bool) -> None:
    app = _people(layer, hide_credentials=hidden)
    assert ask(app, f"/{view}/reader", as_="reader").text == "reader"
    assert ask(app, f"/{view}/writer", as_="reader").status_code == 403


@pytest.mark.parametrize("view", VIEWS)
def test_predicates_judge_the_path_to_which_a_layer_has_led(view: str) -> None:
    app = _people(_rewriting)
    to_other, to_own = f"/{view}/writer", f"/{view}/reader"
    assert ask(app, to_own, as_="reader", X_Original_URL=to_other).status_code == 403
    assert ask(app, to_other, as_="reader", X_Original_URL=to_own).text == "reader"


@pytest.mark.parametrize("hidden", [True, False])
@pytest.mark.parametrize("layer", [None, _copying, _rewriting])
def test_predicates_judge_the_request_of_the_view_while_its_response_is_streamed(
    layer: Wrap | None, hidden: bool
) -> None:
    app = _people(layer, hide_credentials=hidden)
    assert ask(app, "/streamed/reader", as_="reader").text == "reader"
    assert ask(app, "/streamed/writer", as_="reader").text == "refused"
    if layer is _rewriting:
        assert ask(app, "/x", as_="reader", X_Original_URL="/streamed/reader").text == "reader"
        assert ask(app, "/streamed/reader", as_="reader", X_Original_URL="/streamed/writer").text == "refused"


@pytest.mark.parametrize("replacing", METHODS.values(), ids=METHODS)
def test_predicates_judge_the_method_of_the_view_while_its_response_is_streamed(
    replacing: Callable[[Flask], None],
) -> None:
    @requires(_reads)
    def part() -> str:
        return "part"

    app = Flask("shop", static_folder=None)
    replacing(app)
    app.add_url_rule("/items", "items", lambda: Response(_streamed(part)), methods=["GET", "PUT"])
    FlaskAuth(app, shop_auth())
    assert ask(app, "/items", as_="reader").text == "part"
    assert ask(app, "/items", as_="reader", X_Method="PUT").text == "refused"


@pytest.mark.parametrize("is_streamed", [True, False])
def test_nothing_of_the_request_of_a_view_is_kept_behind_its_response(is_streamed: bool) -> None:
    seen: list[str | None] = []
    calls: list[object] = []
    kept: list[weakref.ref[_Names]] = []

    def note(principal: Principal, head: RequestHead) -> bool:
        seen.append(head.header("authorization"))
        calls.append(current_call.get())
        return True

    @requires(note)
    def part() -> str:
        return "part"

    def view() -> Response:
        thing = request.environ["shop.thing"] = _Names(app.url_map)
        kept.append(weakref.ref(thing))
        return Response(_streamed(part) if is_streamed else part())

    app = Flask("shop", static_folder=None)
    app.add_url_rule("/", "view", view)
    FlaskAuth(app, shop_auth(), hide_credentials=True)
    assert ask(app, "/", as_="reader").status_code == 200
    assert seen == [None] * len(calls)
    gc.collect()
    assert [each() for each in kept] == [None]


@pytest.mark.parametrize("in_place", [True, False])
@pytest.mark.parametrize("view", ["bare", "own"])
def test_predicates_judge_the_arguments_that_the_view_gets(view: str, in_place: bool) -> None:
    def replace() -> None:
        named = request.headers.get("X-Name")
        if named and in_place and request.view_args is not None:
            request.view_args["name"] = named
        elif named:
            request.view_args = {"name": named}

    app = Flask("shop", static_folder=None)
    app.before_request(replace)

    def bare(name: str) -> str:
        return name

    requires(_is_own)(bare)
    app.add_url_rule("/bare/<name>", "bare", bare)
    app.add_url_rule("/own/<name>", "own", requires(_is_own)(_named))
    FlaskAuth(app, shop_auth())
    assert ask(app, f"/{view}/reader", as_="reader").text == "reader"
    assert ask(app, f"/{view}/reader", as_="reader", X_Name="writer").status_code == 403


class _Names(BaseConverter):
    """A converter of an application, whose values can be changed in place."""

    def to_python(self, value: str) -> list[str]:
        return value.split("+")


@pytest.mark.parametrize("view", ["bare", "own"])
def test_predicates_judge_an_argument_that_was_changed_in_place(view: str) -> None:
    asked = list[str]()

    def are_own(principal: Principal, head: RequestHead) -> bool:
        asked.append(",".join(head.path_params["names"]))
        return asked[-1] == principal.id

    def replace() -> None:
        if request.view_args is not None and "X-Name" in request.headers:
            request.view_args["names"][:] = [request.headers["X-Name"]]

    def bare(names: list[str]) -> str:
        return ",".join(names)

    def own(names: list[str]) -> str:
        return ",".join(names)

    app = Flask("shop", static_folder=None)
    app.before_request(replace)
    app.url_map.converters["names"] = _Names
    app.add_url_rule("/own/<names:names>", "own", requires(are_own)(own))
    requires(are_own)(bare)
    app.add_url_rule("/bare/<names:names>", "bare", bare)
    FlaskAuth(app, shop_auth())
    assert ask(app, f"/{view}/reader", as_="reader").text == "reader"
    assert ask(app, f"/{view}/reader", as_="reader", X_Name="writer").status_code == 403
    assert asked[-1] == "writer"


@pytest.mark.parametrize("replacing", METHODS.values(), ids=METHODS)
def test_predicates_judge_the_method_by_which_the_view_is_called(replacing: Callable[[Flask], None]) -> None:
    @requires(_reads)
    class View(MethodView):
        @authenticated
        def get(self) -> str:
            return "read"

        def put(self) -> str:
            return "put"

    app = Flask("shop", static_folder=None)
    replacing(app)
    app.add_url_rule("/items", view_func=View.as_view("items"))
    FlaskAuth(app, shop_auth())
    assert ask(app, "/items", as_="reader").text == "read"
    assert ask(app, "/items", as_="reader", X_Method="PUT").status_code == 403


def test_the_head_of_a_changed_request_knows_whether_the_application_is_in_debug_mode() -> None:
    seen = list[bool]()

    def asking(principal: Principal, head: RequestHead) -> bool:
        seen.append(head.debug)
        return True

    app = Flask("shop", static_folder=None)
    app.debug = True
    app.add_url_rule("/", "view", requires(asking)(lambda: "view"))
    setattr(app, "wsgi_app", _copying(app.wsgi_app))  # noqa: B010 - Flask's way
    FlaskAuth(app, shop_auth())
    assert (ask(app, "/", as_="reader").text, set(seen)) == ("view", {True})
