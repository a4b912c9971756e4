"""Paths of Django: prefixes, slashes at the end, languages, and layers that change what was asked for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.adapters.django.asking import KINDS, ask, said
from tests.adapters.django.site import LAYERS, configured, handler

every_kind = pytest.mark.parametrize("kind", KINDS)
HERE = "tests.adapters.django.test_paths"
LOCALE = [*LAYERS[:2], "django.middleware.locale.LocaleMiddleware", *LAYERS[2:]]


@pytest.fixture(autouse=True)
def _project() -> Iterator[None]:
    with configured():
        yield


@every_kind
@pytest.mark.parametrize(
    "path, status",
    [
        ("/shop/open/window", 200),
        ("/shop/health", 200),
        ("/shop/open/orders", 401),
        ("/shop/plain", 401),
        ("/shop/shop/open/window", 401),
    ],
)
def test_below_a_prefix_of_the_server_patterns_and_views_are_the_same(kind: str, path: str, status: int) -> None:
    assert ask(kind, path, root="/shop").status == status


@every_kind
def test_the_prefix_of_the_settings_is_taken_off_as_django_takes_it_off(kind: str) -> None:
    # Under WSGI Django only adds it to its links, under ASGI it takes it off the path.
    path = {"wsgi": "/open/window", "asgi": "/shop/open/window"}[kind]
    with configured(FORCE_SCRIPT_NAME="/shop"):
        assert ask(kind, path).status == 200
        assert ask(kind, path.replace("window", "orders")).status == 401


def test_a_prefix_that_django_cuts_inside_of_a_segment_opens_nothing() -> None:
    with configured(authmw={"public": ["/en/*"]}):
        # Django's ASGI handler reads /op/en/window behind /op, and /openings behind /open as "ings".
        assert ask("asgi", "/openplain", root="/open").status == 401
    with configured(authmw={"public": ["/plain"]}, FORCE_SCRIPT_NAME="/open"):
        assert ask("asgi", "/open/plain").status == 200  # what Django routes is /plain


CLOSED = [
    "/open//window",
    "//open/window",
    "/open/./window",
    "/open/../open/window",
    "/open/%2e%2e/plain",
    "/open/..%2fplain",
    "/open/%2e%2e%2fplain",
    "/open/;/plain",
    "/open\\window",
    "/open/%00",
    "/open/%ff",
    "/%6fpen/window",
    "/open%2fwindow",
    "/OPEN/window",
    "/open",
]


@every_kind
@pytest.mark.parametrize("path", CLOSED)
def test_an_ambiguous_path_is_not_public(kind: str, path: str) -> None:
    assert ask(kind, path).status == 401


@every_kind
def test_names_below_a_public_path_may_have_escapes_that_mean_one_thing(kind: str) -> None:
    assert ask(kind, "/open/Preis%20%C3%BCber").status == 404  # Django's own: a stranger came through


@every_kind
def test_a_view_that_takes_the_path_with_and_without_the_slash_is_public_only_where_both_are(kind: str) -> None:
    with configured(authmw={"public": ["/loose/*"]}):
        assert ask(kind, "/loose/").status == 401
    with configured(authmw={"public": ["/loose", "/loose/*"]}):
        assert [ask(kind, path).status for path in ("/loose", "/loose/")] == [200, 200]


@every_kind
def test_append_slash_sends_on_whom_the_guard_lets_in(kind: str) -> None:
    assert ask(kind, "/slashed").status == 401  # no view has this path
    assert ask(kind, "/slashed", "reader").all("location") == ["/slashed/"]
    assert ask(kind, "/slashed/").status == 200
    with configured(authmw={"public": ["/slashed"]}):
        assert ask(kind, "/slashed").all("location") == ["/slashed/"]
    with configured(authmw={"public": ["/inner/orders"]}):
        assert ask(kind, "/inner/orders").all("location") == ["/inner/orders/"]
        assert ask(kind, "/inner/orders/").status == 401


@every_kind
@pytest.mark.parametrize("language", ["en", "de"])
@pytest.mark.parametrize("accepted", ["en", "de", "fr"])
def test_i18n_patterns_are_found_whatever_the_language_of_the_last_request(
    kind: str, language: str, accepted: str
) -> None:
    from django.utils import translation

    with configured(MIDDLEWARE=LOCALE):
        app = handler(kind)
        translation.activate("de" if language == "en" else "en")
        for _ in range(2):
            assert ask(kind, f"/{language}/about/", app=app, accept_language=accepted).status == 200
            assert ask(kind, f"/{language}/account/", app=app, accept_language=accepted).status == 401
            assert ask(kind, f"/{language}/account/", "reader", app=app, accept_language=accepted).status == 200


@every_kind
def test_the_language_that_a_request_found_is_not_left_behind(kind: str) -> None:
    from django.utils import translation

    translation.activate("en")
    ask(kind, "/de/about/")
    assert translation.get_language() == "en"


def overrides(get_response: Any) -> Any:
    """A layer that takes the method from a header, and the path from another."""

    def layer(request: Any) -> Any:
        request.method = request.headers.get("X-Method", request.method)
        request.path_info = request.headers.get("X-Path", request.path_info)
        return get_response(request)

    return layer


@every_kind
@pytest.mark.parametrize(
    "path, headers, stranger, caller",
    [
        ("/class/readable", {"x_method": "POST"}, 401, 200),
        ("/class/orders", {"x_method": "POST"}, 401, 403),
        ("/class/orders", {"x_method": "DELETE"}, 401, 200),
        ("/health", {"x_path": "/plain"}, 401, 200),
        ("/health", {"x_path": "/orders"}, 401, 403),
        ("/health", {"x_path": "/window"}, 200, 200),
        ("/open/window", {"x_path": "/plain"}, 401, 200),
        ("/open/window", {"x_path": "/open/orders"}, 401, 403),
        ("/open/window", {"x_path": "/open/lenient"}, 200, 200),
        ("/open/window", {"x_path": "/no-such-page"}, 401, 404),
        ("/health", {"x_path": "/no-such-page"}, 404, 404),
    ],
)
def test_a_layer_that_changes_the_request_reaches_what_the_caller_may_call(
    kind: str, path: str, headers: dict[str, Any], stranger: int, caller: int
) -> None:
    with configured(MIDDLEWARE=[*LAYERS, f"{HERE}.overrides"]):
        headers = {"x_csrf": "", **headers}
        assert ask(kind, path, **headers).status == stranger
        assert ask(kind, path, "t0ken", **headers).status == caller


def other_urlconf(get_response: Any) -> Any:
    """A layer that chooses another URL conf, as for hosts of tenants."""

    def layer(request: Any) -> Any:
        request.urlconf = "tests.adapters.django.other_urls"
        return get_response(request)

    return layer


@every_kind
def test_the_url_conf_that_a_layer_chooses_decides(kind: str) -> None:
    with configured(MIDDLEWARE=[*LAYERS, f"{HERE}.other_urlconf"]):
        assert ask(kind, "/health").status == 401  # there it is another view, which is not public
        assert said(ask(kind, "/health", "reader"))["principal"] == "reader"
        assert ask(kind, "/plain").status == 401  # there it is public, and the guard in front does not know
    with configured(MIDDLEWARE=[f"{HERE}.other_urlconf", *LAYERS]):
        assert ask(kind, "/health").status == 401
        assert ask(kind, "/plain").status == 200


def serves_files(get_response: Any) -> Any:
    """A layer that answers by itself, as one for static files does."""

    def layer(request: Any) -> Any:
        from django.http import HttpResponse

        if request.headers.get("X-File"):
            return HttpResponse("file", status=int(request.headers["X-File"]))
        return get_response(request)

    return layer


@every_kind
@pytest.mark.parametrize("status, stranger", [(200, 401), (206, 401), (304, 401), (302, 302), (429, 429)])
def test_a_layer_may_redirect_or_refuse_who_was_let_in_for_a_public_view_and_serve_nothing(
    kind: str, status: int, stranger: int
) -> None:
    with configured(MIDDLEWARE=[*LAYERS, f"{HERE}.serves_files"]):
        assert ask(kind, "/health", x_file=str(status)).status == stranger
        assert ask(kind, "/health", "reader", x_file=str(status)).status == status
        assert ask(kind, "/open/window", x_file=str(status)).status == status
        assert ask(kind, "/plain", x_file=str(status)).status == 401


@every_kind
def test_the_body_of_a_digest_with_integrity_protection_can_still_be_read(kind: str) -> None:
    from authmw_django.heads import DjangoRequest
    from django.test import RequestFactory

    from authmw.http.request import BodyTooLarge

    request = RequestFactory().post("/plain", {"a": "1"})
    head = DjangoRequest(request)
    body = head.read_body(1024)
    assert request.body == body
    assert request.POST["a"] == "1"
    with pytest.raises(BodyTooLarge):
        DjangoRequest(RequestFactory().post("/plain", {"a": "1"})).read_body(8)
