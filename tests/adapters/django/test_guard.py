"""`AuthMiddleware` of Django: who gets in, what a view sees, and what refusals look like, under WSGI and ASGI."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

import pytest

from authmw import Auth, HTTPBearer, JWTVerifier, KeyRing, current_principal, issue
from authmw.engine.public_paths import Default
from authmw.identity.calling import current_call
from authmw.issuers import ProtectedResource
from authmw.stores import StoreUnavailable
from authmw.wsgi import AuthMiddleware
from tests.adapters.django.asking import KINDS, ask, said
from tests.adapters.django.site import LAYERS, auth, configured, handler, lookup
from tests.frameworks.clients import ask_wsgi

every_kind = pytest.mark.parametrize("kind", KINDS)


@pytest.fixture(autouse=True)
def _project() -> Iterator[None]:
    with configured():
        yield


VIEWS = [
    # path, a stranger, a caller without scopes, a reader, a writer
    ("/plain", 401, 200, 200, 200),
    ("/plain-later", 401, 200, 200, 200),
    ("/orders", 401, 403, 200, 200),
    ("/orders-later", 401, 403, 200, 200),
    ("/anyone", 401, 200, 200, 200),
    ("/health", 200, 200, 200, 200),
    ("/window", 200, 200, 200, 200),
    ("/of/reader", 401, 403, 200, 403),
    ("/inline", 401, 403, 403, 200),
    ("/inline-later", 401, 403, 403, 200),
    ("/hidden", 401, 403, 200, 200),
    ("/cached", 401, 403, 200, 200),
    ("/login/below", 401, 403, 200, 200),
    ("/login/above", 401, 403, 200, 200),
    ("/csrf/below", 401, 403, 200, 200),
    ("/gets", 401, 403, 200, 200),
    ("/class/orders", 401, 403, 200, 200),
    ("/class/whole", 401, 403, 403, 200),
    ("/class/of-whole", 401, 403, 403, 200),
    ("/class/window", 200, 200, 200, 200),
    ("/class/of-window", 401, 200, 200, 200),
    ("/class/readable", 200, 200, 200, 200),
    ("/class/by-decorator", 401, 403, 403, 200),
    ("/class/on-method", 401, 403, 403, 200),
    ("/class/later", 401, 403, 200, 200),
    ("/class/around", 401, 403, 403, 200),
    ("/class/page", 401, 403, 200, 200),
    ("/object", 401, 403, 200, 200),
    ("/inner/orders/", 401, 403, 200, 200),
    ("/inner/plain/", 401, 200, 200, 200),
    ("/open/window", 200, 200, 200, 200),
    ("/open/orders", 401, 403, 200, 200),
    ("/streams", 401, 200, 200, 200),
    ("/file", 401, 200, 200, 200),
    ("/no-such-page", 401, 404, 404, 404),
]


@every_kind
@pytest.mark.parametrize("path, stranger, caller, reader, writer", VIEWS, ids=[row[0] for row in VIEWS])
@pytest.mark.filterwarnings("ignore:StreamingHttpResponse must consume:Warning")
def test_a_view_needs_what_it_declares(
    kind: str, path: str, stranger: int, caller: int, reader: int, writer: int
) -> None:
    tokens = {"": stranger, "t0ken": caller, "reader": reader, "writer": writer}
    assert {token: ask(kind, path, token).status for token in tokens} == tokens


@every_kind
@pytest.mark.parametrize("path", ["/plain", "/plain-later", "/no-such-page", "/admin/", "/health", "/open/window"])
@pytest.mark.parametrize("token, status", [("bad", 401), ("down", 503)])
def test_a_credential_that_was_presented_decides_everywhere(kind: str, path: str, token: str, status: int) -> None:
    assert ask(kind, path, token).status == status


@every_kind
@pytest.mark.parametrize("path", ["/plain", "/orders", "/no-such-page", "/inline", "/asks-store"])
@pytest.mark.parametrize("token", ["", "t0ken", "bad", "down"])
def test_a_refusal_has_the_bytes_that_it_has_without_a_framework(kind: str, path: str, token: str) -> None:
    seen = ask(kind, path, token)
    if seen.status in (200, 404):
        return

    def bare(environ: object, start_response: object) -> list[bytes]:
        needed = {"/orders": "orders:read", "/inline": "orders:write"}.get(path)
        if path == "/asks-store":
            raise StoreUnavailable("down")
        if needed:
            current_principal().require(needed)
        return []

    default: Default = "deny" if path != "/orders" or token else "allow"  # the table names the scopes to a stranger
    expected = ask_wsgi(AuthMiddleware(bare, auth, default=default), path, token=token)
    assert seen.wire == expected.wire


@every_kind
@pytest.mark.parametrize("path", ["/plain", "/plain-later"])
def test_a_view_sees_its_caller_in_each_of_the_usual_places(kind: str, path: str) -> None:
    assert said(ask(kind, path, "reader", remote_user="admin")) == {
        "principal": "reader",
        "current": "reader",
        "user": "reader",
        "is_authenticated": True,
        "remote_user": "reader",
        "auth_type": "Bearer",
        "claimed": None,
    }


@every_kind
def test_a_stranger_on_a_public_path_is_nobody_whatever_the_headers_claim(kind: str) -> None:
    assert said(ask(kind, "/open/window", remote_user="admin")) == {
        "principal": "",
        "current": "",
        "user": "",
        "is_authenticated": False,
        "remote_user": None,
        "auth_type": None,
        "claimed": None,
    }


def test_remote_user_of_the_server_is_removed() -> None:
    environ_of = handler("wsgi")

    def with_remote_user(environ: dict[str, object], start_response: object) -> object:
        return environ_of({**environ, "REMOTE_USER": "admin", "AUTH_TYPE": "Basic"}, start_response)

    seen = said(ask("wsgi", "/open/window", app=with_remote_user))
    assert (seen["remote_user"], seen["auth_type"]) == (None, None)


@every_kind
def test_request_auser_is_the_user(kind: str) -> None:
    assert said(ask(kind, "/user-later", "reader")) == {"user": "reader"}
    with configured(MIDDLEWARE=LAYERS[:1]):
        assert said(ask(kind, "/user-later", "reader")) == {"user": "reader"}


@every_kind
@pytest.mark.parametrize("path", ["/streams", "/streams-later"])
@pytest.mark.filterwarnings("ignore:StreamingHttpResponse must consume:Warning")
def test_a_streaming_body_is_made_as_its_caller(kind: str, path: str) -> None:
    assert ask(kind, path, "reader").body == b"reader reader"


def test_after_its_response_a_request_has_no_caller() -> None:
    app = handler("wsgi")
    for path in ("/plain", "/streams", "/fails"):
        ask("wsgi", path, "reader", app=app)
        assert current_call.get() is None


@every_kind
def test_another_header_than_authorization_keeps_responses_out_of_shared_caches(kind: str) -> None:
    seen = ask(kind, "/plain", x_api_key="reader")
    assert (seen.status, seen.all("cache-control")) == (200, ["private"])
    assert seen.all("vary") == ["Authorization, X-API-Key"] or "X-API-Key" in seen.all("vary")[0]


@every_kind
def test_each_challenge_has_its_own_line(kind: str) -> None:
    assert ask(kind, "/no-such-page").all("www-authenticate") == [
        'Bearer realm="shop"',
        'ApiKey realm="shop", header="X-API-Key"',
    ]


@every_kind
def test_two_authorization_headers_are_a_400(kind: str) -> None:
    assert ask(kind, "/plain", authorization="Bearer reader,Bearer writer").status == 400


# What the operators see: neither an error in the log, nor a mail, nor a traceback.


@every_kind
@pytest.mark.parametrize(
    "path, token, status",
    [
        ("/plain", "", 401),
        ("/plain", "bad", 401),
        ("/plain", "down", 503),
        ("/orders", "t0ken", 403),
        ("/inline", "t0ken", 403),
        ("/inline-later", "t0ken", 403),
        ("/asks-store", "t0ken", 503),
        ("/api/inline", "t0ken", 403),
    ],
)
def test_a_refusal_is_neither_mailed_nor_logged_as_an_error_of_django(
    kind: str, path: str, token: str, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    from django.core import mail
    from django.core.signals import got_request_exception

    reported: list[object] = []
    mail.outbox = []

    def note(**given: object) -> None:
        reported.append(given)

    got_request_exception.connect(note)
    try:
        with caplog.at_level(logging.DEBUG, "django.request"):
            assert ask(kind, path, token).status == status
    finally:
        got_request_exception.disconnect(note)
    assert [record for record in caplog.records if record.name.startswith("django")] == []
    assert (mail.outbox, reported) == ([], [])


@every_kind
def test_a_bug_is_still_logged_and_mailed(kind: str, caplog: pytest.LogCaptureFixture) -> None:
    from django.core import mail
    from django.utils.log import AdminEmailHandler

    mail.outbox = []
    handler_of_mail = AdminEmailHandler()
    logger = logging.getLogger("django.request")
    logger.addHandler(handler_of_mail)
    try:
        assert ask(kind, "/fails", "s3cret-of-sam").status == 500
    finally:
        logger.removeHandler(handler_of_mail)
    assert [record.exc_info is not None for record in caplog.records if record.name == "django.request"] == [True]
    assert len(mail.outbox) == 1
    assert "Internal Server Error: /fails" in mail.outbox[0].subject
    assert "s3cret" not in str(mail.outbox[0].message())


def layer_that_requires(get_response: object) -> object:
    """A middleware of the project that asks for a scope itself."""

    def layer(request: object) -> object:
        request.principal.require("orders:write")  # type: ignore[attr-defined]
        return get_response(request)  # type: ignore[operator]

    return layer


@every_kind
def test_a_refusal_that_other_middleware_raises_is_answered_and_not_logged(
    kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    layers = [*LAYERS, "tests.adapters.django.test_guard.layer_that_requires"]
    with configured(MIDDLEWARE=layers):
        seen = ask(kind, "/plain", "reader")
        assert (seen.status, said(seen)["scope"]) == (403, "orders:write")
        assert ask(kind, "/plain", "writer").status == 200
    assert [record for record in caplog.records if record.name.startswith("django")] == []


@every_kind
def test_an_error_page_of_the_project_is_its_own(kind: str) -> None:
    assert ask(kind, "/denies", "reader").status == 403
    assert b"problem" not in ask(kind, "/denies", "reader").body


def test_a_refusal_rolls_back_what_the_view_wrote() -> None:
    from django.contrib.auth.models import Group
    from django.db import connections

    settings = connections["default"].settings_dict
    settings["ATOMIC_REQUESTS"] = True
    try:
        assert ask("wsgi", "/writes", "reader").status == 403
    finally:
        settings["ATOMIC_REQUESTS"] = False
    assert not Group.objects.filter(name="written").exists()


# Default deny.


@every_kind
def test_default_allow_leaves_views_without_a_declaration_open(kind: str) -> None:
    with configured(authmw={"default": "allow"}):
        assert [ask(kind, path).status for path in ("/plain", "/no-such-page", "/orders")] == [200, 404, 401]


@every_kind
@pytest.mark.parametrize("method, status", [("GET", 200), ("HEAD", 200), ("POST", 401), ("PUT", 401), ("OPTIONS", 401)])
def test_a_public_method_opens_no_other(kind: str, method: str, status: int) -> None:
    assert ask(kind, "/class/readable", method=method).status == status


@every_kind
@pytest.mark.parametrize("method, status", [("GET", 403), ("HEAD", 403), ("POST", 403), ("DELETE", 200), ("BREW", 405)])
def test_each_method_of_a_class_needs_what_it_declares(kind: str, method: str, status: int) -> None:
    assert ask(kind, "/class/orders", "t0ken", method=method).status == status


PREFLIGHT: dict[str, Any] = {"origin": "https://a.example", "access_control_request_method": "PUT"}


@every_kind
def test_the_preflight_of_a_stranger_is_answered_in_front(kind: str) -> None:
    seen = ask(kind, "/orders", method="OPTIONS", **PREFLIGHT)
    assert (seen.status, seen.body) == (204, b"")
    assert ask(kind, "/orders", method="OPTIONS").status == 401


def cors_inside(get_response: object) -> object:
    """A layer of the project that answers preflights, with more than it should."""

    def layer(request: object) -> object:
        from django.http import HttpResponse

        if request.method == "OPTIONS" and "cors" in request.path:  # type: ignore[attr-defined]
            headers = {"Access-Control-Allow-Methods": "PUT", "X-Secret": "x"}
            return HttpResponse("content", headers=headers)
        return get_response(request)  # type: ignore[operator]

    return layer


@every_kind
def test_preflights_for_the_application_reach_its_layers_and_no_view(kind: str) -> None:
    layers = [*LAYERS, "tests.adapters.django.test_guard.cors_inside"]
    with configured(MIDDLEWARE=layers, authmw={"preflights": "application"}):
        seen = ask(kind, "/cors", method="OPTIONS", **PREFLIGHT)
        assert (seen.status, seen.body) == (200, b"")
        assert seen.all("access-control-allow-methods") == ["PUT"]
        assert seen.all("x-secret") == []
        assert ask(kind, "/plain", method="OPTIONS", **PREFLIGHT).status == 401


@every_kind
def test_the_metadata_of_the_resource_is_served_to_strangers(kind: str) -> None:
    described = Auth(
        HTTPBearer(lookup),
        resource=ProtectedResource("https://shop.example", authorization_servers=["https://id.example"]),
    )
    with configured(authmw={"auth": described}):
        seen = ask(kind, "/.well-known/oauth-protected-resource")
        assert (seen.status, said(seen)["resource"]) == (200, "https://shop.example")
        assert "resource_metadata=" in ask(kind, "/plain").all("www-authenticate")[0]


@every_kind
def test_a_remembered_token_is_not_verified_again(kind: str) -> None:
    keys = KeyRing.generate("ES256")
    remembering = Auth(HTTPBearer(JWTVerifier(keys, issuer="https://me.example", audience="shop")))
    token = issue("alice", keys=keys, issuer="https://me.example", audience="shop")
    with configured(authmw={"auth": remembering}):
        app = handler(kind)
        assert said(ask(kind, "/plain", token, app=app))["principal"] == "alice"
        assert remembering.memo is not None
        assert remembering.memo.recall(f"Bearer {token}".encode()) is not None
        assert said(ask(kind, "/plain", token, app=app))["user"] == "alice"


@every_kind
@pytest.mark.parametrize(
    "path, token", [("/plain", ""), ("/orders", "t0ken"), ("/inline", "t0ken"), ("/plain", "down")]
)
def test_a_refusal_to_head_has_the_headers_of_the_one_to_get_and_no_body(kind: str, path: str, token: str) -> None:
    seen, expected = ask(kind, path, token, method="HEAD"), ask(kind, path, token)
    assert seen.body == b""
    assert seen._replace(body=expected.body).wire == expected.wire


def sync_only(get_response: Any) -> Any:
    """A layer that only works in sync mode."""

    def layer(request: Any) -> Any:
        return get_response(request)

    return layer


def async_only(get_response: Any) -> Any:
    """A layer that only works in async mode."""
    from asgiref.sync import iscoroutinefunction

    assert iscoroutinefunction(get_response)  # pyright: ignore[reportDeprecated] - asyncio's only on Python 3.11

    async def layer(request: Any) -> Any:
        return await get_response(request)

    return layer


setattr(async_only, "sync_capable", False)  # noqa: B010 - an attribute of a function, as Django reads it
setattr(async_only, "async_capable", True)  # noqa: B010


@every_kind
@pytest.mark.parametrize("position", [1, len(LAYERS)])
@pytest.mark.parametrize("layer", ["sync_only", "async_only"])
def test_layers_of_one_mode_among_the_middleware_change_nothing(kind: str, layer: str, position: int) -> None:
    layers = [*LAYERS]
    layers.insert(position, f"tests.adapters.django.test_guard.{layer}")
    with configured(MIDDLEWARE=layers, authmw={"user": "tests.adapters.django.finders.by_scope"}):
        app = handler(kind)
        for path in ("/orders", "/orders-later"):
            assert ask(kind, path, app=app).status == 401
            assert ask(kind, path, "t0ken", app=app).status == 403
            seen = said(ask(kind, path, "reader", app=app))
            assert (seen["principal"], seen["current"], seen["user"]) == ("reader", "reader", "reader")
        assert ask(kind, "/health", app=app).body == b"up for nobody"


def test_a_store_of_the_project_is_asked_on_the_thread_of_its_views() -> None:
    """Under ASGI too: Django closes the connections to the database of that thread after the request."""
    import threading

    from authmw import Principal

    asked: list[int] = []

    def find(token: str) -> Principal:
        from django.contrib.auth.models import User

        asked.append(threading.get_ident())
        return Principal("alice" if User.objects.count() >= 0 else "")

    def counts(request: object) -> object:
        from django.http import HttpResponse

        asked.append(threading.get_ident())
        return HttpResponse()

    with configured(authmw={"auth": Auth(HTTPBearer(find))}, ROOT_URLCONF=(_url_of(counts),)):
        for kind in KINDS:
            assert ask(kind, "/counts", "any").status == 200
            assert asked[-1] == asked[-2]


def _url_of(view: Any) -> Any:
    from django.urls import path

    patterns: list[Any] = [path("counts", view)]
    return patterns[0]


def test_a_request_leaves_no_cycle_behind() -> None:
    import gc
    import weakref

    from django.http import HttpRequest

    seen: list[weakref.ref[HttpRequest]] = []

    def noted(request: HttpRequest) -> object:
        from django.http import HttpResponse

        seen.append(weakref.ref(request))
        return HttpResponse()

    with configured(ROOT_URLCONF=(_url_of(noted),), MIDDLEWARE=LAYERS[:1]):  # Django's own make cycles
        app = handler("wsgi")
        gc.collect()
        gc.disable()
        try:
            assert ask("wsgi", "/counts", "reader", app=app).status == 200
            assert [each() for each in seen] == [None]
        finally:
            gc.enable()


def answers_all(get_response: Any) -> Any:
    """A layer that answers every exception of a view."""
    return _AnswersAll(get_response)


class _AnswersAll:
    def __init__(self, get_response: Any) -> None:
        self._get_response: Any = get_response

    def __call__(self, request: Any) -> Any:
        return self._get_response(request)

    def process_exception(self, request: Any, exception: Exception) -> Any:
        """The answer to everything."""
        from django.http import HttpResponse

        return HttpResponse("sorry", status=500)


@every_kind
def test_before_a_layer_that_answers_every_exception_the_refusing_middleware_stands_last(kind: str) -> None:
    layers = [*LAYERS, "tests.adapters.django.test_guard.answers_all"]
    with configured(MIDDLEWARE=layers):
        assert ask(kind, "/inline", "reader").body == b"sorry"  # code of the project has dealt with it
        assert ask(kind, "/orders", "t0ken").status == 403
    with configured(MIDDLEWARE=[*layers, "authmw_django.RefusalMiddleware"]):
        assert ask(kind, "/inline", "reader").status == 403
        assert ask(kind, "/fails", "reader").body == b"sorry"


def streams_to_strangers(get_response: Any) -> Any:
    """A layer that answers in front of every view, and holds something open."""
    from django.http import StreamingHttpResponse

    def layer(request: Any) -> Any:
        return StreamingHttpResponse(_Held())

    return layer


class _Held:
    closed = 0

    def __iter__(self) -> Iterator[bytes]:
        return iter([b"content"])

    def close(self) -> None:
        """As a file."""
        _Held.closed += 1


@every_kind
def test_a_response_that_is_replaced_is_closed_and_the_request_ends_once(kind: str) -> None:
    from django.core.signals import request_finished

    ended: list[object] = []

    def note(**given: object) -> None:
        ended.append(given)

    before = _Held.closed
    request_finished.connect(note)
    try:
        with configured(MIDDLEWARE=[*LAYERS, "tests.adapters.django.test_guard.streams_to_strangers"]):
            assert ask(kind, "/health").status == 401
    finally:
        request_finished.disconnect(note)
    assert (_Held.closed - before, len(ended)) == (1, 1)
