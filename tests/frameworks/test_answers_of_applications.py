"""What an application answers is its own; what leaves it as a refusal is answered as a refusal. In each framework."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any, Final

import falcon
import pytest
from falcon.testing import TestClient

from authmw import Auth, HTTPBearer, Principal, acting_as, carry_caller, requires_scopes
from authmw.wsgi import AuthMiddleware
from tests.adapters.django.site import configure
from tests.frameworks import apps
from tests.frameworks.clients import TOKEN, Seen, ask_asgi, ask_wsgi
from tests.support import objects_of_authmw

Ask = Callable[..., Seen]


@cache
def asker(kind: str) -> Ask:
    """How to ask the application `kind`."""
    make, ask, prefix = KINDS[kind]
    app = make()

    def at(path: str, **options: Any) -> Seen:
        return ask(app, prefix + path, **options)

    return at


KINDS: Final[dict[str, tuple[Callable[[], Any], Ask, str]]] = {
    "plain WSGI": (apps.make_plain_wsgi, ask_wsgi, ""),
    "plain ASGI": (apps.make_plain_asgi, ask_asgi, ""),
    "Flask": (apps.make_flask, ask_wsgi, ""),
    "Flask in Flask": (apps.make_flask_in_flask, ask_wsgi, "/inner"),
    "Starlette": (apps.make_starlette, ask_asgi, ""),
    "Starlette from outside": (apps.make_starlette_from_outside, ask_asgi, ""),
    "FastAPI": (apps.make_fastapi, ask_asgi, ""),
    "FastAPI in FastAPI": (apps.make_fastapi_in_fastapi, ask_asgi, "/inner"),
    "FastAPI in FastAPI, scope copied": (apps.make_fastapi_in_fastapi_behind_a_copy, ask_asgi, "/inner"),
    "Django": (apps.make_django, ask_wsgi, ""),
    "Django, ASGI": (apps.make_django_asgi, ask_asgi, ""),
    "Django, ASGI, async view": (apps.make_django_asgi, ask_asgi, "/later"),
    "Falcon with the handler": (apps.make_falcon_with_handler, ask_wsgi, ""),
    "Quart with the handler": (apps.make_quart_with_handler, ask_asgi, ""),
    "Litestar with the handler": (apps.make_litestar_with_handler, ask_asgi, ""),
    "Falcon": (apps.make_falcon, ask_wsgi, ""),
    "Falcon, ASGI": (apps.make_falcon_asgi, ask_asgi, ""),
    "Quart": (apps.make_quart, ask_asgi, ""),
    "Litestar": (apps.make_litestar, ask_asgi, ""),
    "Flask behind authmw.wsgi": (apps.make_flask_behind_wsgi, ask_wsgi, ""),
    "FastAPI behind authmw.asgi": (apps.make_fastapi_behind_asgi, ask_asgi, ""),
    "Django without its adapter": (apps.make_django_without_adapter, ask_wsgi, ""),
}
WITHOUT_ADAPTER: Final = (
    "Falcon",
    "Falcon, ASGI",
    "Quart",
    "Litestar",
    "Flask behind authmw.wsgi",
    "FastAPI behind authmw.asgi",
    "Django without its adapter",
)
WITH_ADAPTER: Final = [kind for kind in KINDS if kind not in WITHOUT_ADAPTER]
OUTAGE_IS_THEIR_OWN: Final = (
    *("Falcon with the handler", "Quart with the handler", "Litestar with the handler"),
    "Flask in Flask",
)
"""They have a handler for `AccessRefused` alone, or are guarded from another application of Flask."""
FRAMEWORKS: Final = [kind for kind in KINDS if not kind.startswith("plain")]

every_kind = pytest.mark.parametrize("kind", KINDS)
by_what = pytest.mark.parametrize("by", ["guarded", "required"])


@pytest.fixture(autouse=True)
def _django_has_our_urls() -> Iterator[None]:
    from django.test import override_settings

    configure()
    with override_settings(ROOT_URLCONF="tests.frameworks.django_urls", ALLOWED_HOSTS=["*"]):
        yield


@pytest.fixture
def without_logs() -> Iterator[None]:
    """Nothing is logged: pytest keeps the records, and what they refer to."""
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(before)


def refusal() -> Seen:
    """The refusal, as it is without any framework."""
    return asker("plain WSGI")("/refused/required")


@every_kind
@by_what
@pytest.mark.parametrize("what", apps.OWN)
def test_a_response_of_the_application_after_a_refusal_that_it_caught_is_its_own(kind: str, what: str, by: str) -> None:
    seen, own = asker(kind)(f"/{what}/{by}"), apps.OWN[what]
    assert (seen.status, seen.body) == (own.status, own.body.encode())
    for name, value in own.headers.items():
        assert seen.all(name) == [value]
    assert seen.all("www-authenticate") == []


@every_kind
@by_what
def test_a_bug_after_a_refusal_that_was_caught_is_the_same_500_as_without_it(kind: str, by: str) -> None:
    seen, alone = asker(kind)(f"/bug/{by}"), asker(kind)(f"/bug-alone/{by}")
    assert seen.status == 500
    assert seen.wire == alone.wire


@pytest.mark.parametrize("kind", WITH_ADAPTER)
@by_what
def test_a_refusal_that_nobody_catches_is_the_same_to_the_byte(kind: str, by: str) -> None:
    expected = refusal()
    assert expected.status == 403
    assert expected.all("www-authenticate") == ['Bearer realm="app", error="insufficient_scope", scope="admin"']
    assert asker(kind)(f"/refused/{by}").wire == expected.wire


@every_kind
def test_requests_leave_nothing_behind(kind: str, without_logs: None) -> None:
    paths = [f"/{what}/{by}" for what in apps.OWN for by in ("guarded", "required")]

    def ask() -> None:
        for path in paths:
            for token in (TOKEN, "unknown"):
                asker(kind)(path, token=token)

    for _ in range(2):
        ask()
    before = objects_of_authmw()
    for _ in range(3):
        ask()
    assert objects_of_authmw() - before == Counter()


# FastAPI's routes take no HEAD, and Django leaves it to the server to drop the body.
@pytest.mark.parametrize("kind", [kind for kind in WITH_ADAPTER if kind.split()[0] in "plain Flask Starlette"])
def test_a_refusal_to_head_is_the_same_without_its_body(kind: str) -> None:
    seen = asker(kind)("/refused/required", method="HEAD")
    assert seen.body == b""
    assert seen._replace(body=refusal().body).wire == refusal().wire


@pytest.mark.parametrize("kind", WITHOUT_ADAPTER)
def test_a_refusal_of_a_guarded_function_replaces_the_error_page_of_a_framework(kind: str) -> None:
    for path in ("/refused/guarded", "/decorated"):
        seen = asker(kind)(path)
        # What the page varied by stays, as what CORS varies by: Falcon negotiates the type of its errors.
        seen.headers[:] = [each for each in seen.headers if each != ("vary", "Accept")]
        assert seen.wire == refusal().wire


@pytest.mark.parametrize("kind", [kind for kind in FRAMEWORKS if kind in WITH_ADAPTER and "async view" not in kind])
def test_a_decorated_view_is_refused_the_same_to_the_byte(kind: str) -> None:
    assert asker(kind)("/decorated").wire == refusal().wire


HANDLERS: Final = {
    "Falcon": "app.add_error_handler(AccessRefused, ...)",
    "Falcon, ASGI": "app.add_error_handler(AccessRefused, ...)",
    "Quart": "@app.errorhandler(AccessRefused)",
    "Litestar": "Litestar(exception_handlers={AccessRefused: ...})",
    "Flask behind authmw.wsgi": "FlaskAuth(app, auth)",
    "FastAPI behind authmw.asgi": "app.add_middleware(authmw_starlette.AuthMiddleware, auth=auth)",
    "Django without its adapter": 'MIDDLEWARE = ["authmw_django.RefusalMiddleware", ...]',
}


@pytest.mark.parametrize("kind", WITHOUT_ADAPTER)
def test_require_in_a_view_that_is_not_decorated_is_the_frameworks_500_and_the_log_names_the_handler(
    kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    from authmw import AccessRefused

    with caplog.at_level(logging.ERROR, "authmw"):
        try:
            status = asker(kind)("/refused/required").status
        except AccessRefused:  # Starlette lets it go on to the server, once it has answered
            status = 500
    assert status == 500
    messages = [record.getMessage() for record in caplog.records if record.name == "authmw"]
    assert len(messages) == 1
    assert HANDLERS[kind] in messages[0]


# Starlette's own error page is made outside of all layers of the application: its adapter carries refusals inside.
OUTSIDE_OF_LAYERS: Final = ("FastAPI behind authmw.asgi", "FastAPI in FastAPI, scope copied")


@pytest.mark.parametrize("kind", [kind for kind in FRAMEWORKS if kind not in OUTSIDE_OF_LAYERS])
def test_the_headers_that_a_layer_adds_stay_on_refusals_from_inside(kind: str) -> None:
    seen = asker(kind)("/refused/guarded")
    assert (seen.status, seen.all(apps.LAYER[0])) == (403, [apps.LAYER[1]])


@every_kind
def test_a_response_has_each_header_of_authmw_once(kind: str) -> None:
    for path in ("/own-200/guarded", "/own-403/guarded", "/refused/guarded"):
        assert [each for each in asker(kind)(path).all("vary") if each != "Accept"] == ["Authorization"], path


@every_kind
def test_the_refusal_of_one_request_has_no_effect_on_the_next(kind: str) -> None:
    ask = asker(kind)
    assert ask("/refused/guarded").status == 403
    assert ask("/bug-alone/guarded").status == 500
    assert ask("/own-200/guarded").status == 200


def test_a_refusal_of_a_guarded_function_that_runs_as_another_caller_is_answered() -> None:
    @requires_scopes("admin")
    def wipe() -> None: ...

    class Orders:
        def on_get(self, request: Any, response: Any) -> None:
            with acting_as(Principal("service")):
                wipe()

        def on_post(self, request: Any, response: Any) -> None:
            carry_caller(wipe)()

    app = falcon.App()
    app.add_route("/orders", Orders())
    guarded = AuthMiddleware(app, Auth(HTTPBearer({"t": Principal("alice")}.get)))
    client = TestClient(guarded, headers={"Authorization": "Bearer t"})
    assert [client.simulate_request(method, "/orders").status_code for method in ("GET", "POST")] == [403, 403]


@pytest.mark.parametrize("kind", [kind for kind in WITH_ADAPTER if kind not in OUTAGE_IS_THEIR_OWN])
def test_a_store_that_a_view_asks_and_that_is_down_is_a_503(kind: str, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR):
        seen = asker(kind)("/outage/required")
    assert (seen.status, seen.all("retry-after")) == (503, ["5"])
    assert caplog.text.count("code=authmw.unavailable") == 1
    assert "hunter2" not in caplog.text
    assert seen.wire == asker("plain WSGI")("/outage/required").wire
