"""Parts that are left to Django's own sessions, rules from outside, and credentials that views do not see."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from authmw import any_of
from authmw.engine.routes.frameworks import routes_of
from authmw.engine.routes.route import Protection, needs
from tests.adapters.django.asking import KINDS, ask, said
from tests.adapters.django.site import LAYERS, configured, handler

every_kind = pytest.mark.parametrize("kind", KINDS)
OVERRIDES = "tests.adapters.django.test_paths.overrides"
LEAVE = {"leave": ["/admin/*", "/plain"]}
NEEDS: dict[str, Any] = {
    "GET /plain": "orders:read",
    "/plain": "orders:write",
    "/inner/*": any_of("orders:write", "admin"),
    "/no-such/*": "orders:read",
}


@pytest.fixture(autouse=True)
def _project() -> Iterator[None]:
    with configured():
        yield


@pytest.fixture
def session() -> Iterator[str]:
    """The cookie of a session of a superuser."""
    from django.contrib.auth.models import User
    from django.test import Client

    User.objects.all().delete()
    client = Client()
    client.force_login(User.objects.create_superuser("root"))
    yield f"sessionid={client.cookies['sessionid'].value}"
    User.objects.all().delete()


@every_kind
def test_the_admin_has_its_own_sessions_beside_tokens(kind: str, session: str) -> None:
    with configured(authmw=LEAVE):
        stranger = ask(kind, "/admin/")
        assert (stranger.status, stranger.all("location")) == (302, ["/admin/login/?next=/admin/"])
        assert ask(kind, "/admin/", cookie=session).status == 200
        for token in ("reader", "bad", "down"):
            assert ask(kind, "/admin/", token).status == 302
            assert ask(kind, "/admin/", token, cookie=session).status == 200
        assert ask(kind, "/anyone", cookie=session).status == 401
        assert ask(kind, "/anyone", "reader").status == 200


@every_kind
def test_on_a_path_that_is_left_alone_nobody_is_authenticated_and_nothing_is_removed(kind: str) -> None:
    with configured(authmw=LEAVE):
        seen = ask(kind, "/plain", "reader")
        assert said(seen) | {"claimed": None} == {
            "principal": "",
            "current": "",
            "user": "",
            "is_authenticated": False,
            "remote_user": None,
            "auth_type": None,
            "claimed": None,
        }
        assert seen.all("vary") == ["Cookie"]  # of Django: the view reads the session


def test_remote_user_of_the_server_stays_on_a_path_that_is_left_alone() -> None:
    with configured(authmw=LEAVE):
        inner = handler("wsgi")

        def server(environ: dict[str, object], start_response: object) -> object:
            return inner({**environ, "REMOTE_USER": "by-server"}, start_response)

        assert said(ask("wsgi", "/plain", app=server))["remote_user"] == "by-server"
        assert said(ask("wsgi", "/open/window", app=server))["remote_user"] is None


@every_kind
@pytest.mark.parametrize(
    "path", ["/admin", "/admin/../anyone", "/admin//", "/admin/%2e%2e/anyone", "/Admin/", "/plain/"]
)
def test_a_path_that_is_not_exactly_named_is_not_left_alone(kind: str, path: str) -> None:
    with configured(authmw=LEAVE):
        assert ask(kind, path).status == 401


@every_kind
def test_a_layer_cannot_lead_from_a_path_that_is_left_alone_to_a_guarded_view(kind: str) -> None:
    with configured(authmw=LEAVE, MIDDLEWARE=[*LAYERS, OVERRIDES]):
        assert ask(kind, "/plain").status == 200
        assert ask(kind, "/plain", x_path="/anyone").status == 401
        assert ask(kind, "/plain", "reader", x_path="/anyone").status == 401
        assert ask(kind, "/plain", x_path="/no-such-page").status == 401
        assert ask(kind, "/plain", x_path="/health").status == 200


@every_kind
def test_a_view_that_declares_something_refuses_everybody_where_it_is_left_alone(kind: str) -> None:
    with configured(authmw={"leave": ["/orders"]}):
        assert [ask(kind, "/orders", token).status for token in ("", "reader")] == [401, 401]
        (route,) = [each for each in routes_of(handler(kind)) if each.label == "GET /orders"]
        assert route.protection is Protection.UNREACHABLE


RULES = [
    # method, path, a stranger, a caller without scopes, a reader, a writer
    ("GET", "/plain", 401, 403, 200, 200),
    ("HEAD", "/plain", 401, 403, 200, 200),
    ("POST", "/plain", 401, 403, 403, 200),
    ("GET", "/PLAIN", 401, 403, 404, 404),
    ("GET", "/inner/plain/", 401, 403, 403, 200),
    ("GET", "/inner/orders/", 401, 403, 403, 200),
    ("GET", "/x/../inner/plain/", 401, 403, 403, 404),
    ("GET", "/no-such/page", 401, 403, 404, 404),
    ("GET", "/anyone", 401, 200, 200, 200),
    ("GET", "/health", 200, 200, 200, 200),
]


@every_kind
@pytest.mark.parametrize(
    "method, path, stranger, caller, reader, writer", RULES, ids=[f"{row[0]} {row[1]}" for row in RULES]
)
def test_rules_from_outside_add_to_what_views_declare(
    kind: str, method: str, path: str, stranger: int, caller: int, reader: int, writer: int
) -> None:
    with configured(authmw={"needs": NEEDS}):
        tokens = {"": stranger, "t0ken": caller, "reader": reader, "writer": writer}
        assert {token: ask(kind, path, token, method=method).status for token in tokens} == tokens


@every_kind
def test_a_rule_counts_for_what_a_layer_has_made_of_the_request(kind: str) -> None:
    with configured(authmw={"needs": NEEDS}, MIDDLEWARE=[*LAYERS, OVERRIDES]):
        assert ask(kind, "/anyone", "t0ken", x_path="/plain").status == 403
        assert ask(kind, "/anyone", "reader", x_path="/plain").status == 200
        assert ask(kind, "/plain", "reader", x_method="POST").status == 403
        assert ask(kind, "/health", x_path="/plain").status == 401


def test_the_list_shows_rules_and_what_is_left_alone() -> None:
    with configured(authmw={"needs": NEEDS, **{"leave": ["/admin/*"]}}):
        found = {route.label: route for route in reversed(routes_of(handler("wsgi")))}
        shown = {label: (needs(found[label].requirement), found[label].protection) for label in SHOWN}
        assert shown == SHOWN


SHOWN = {
    "GET /plain": ("orders:read", Protection.RULE),
    "POST /plain": ("orders:write", Protection.RULE),
    "GET /inner/orders/": ("orders:read, one of orders:write admin", Protection.DECLARED),
    "GET /admin/": ("nobody", Protection.LEFT_ALONE),
    "GET /anyone": ("anyone authenticated", Protection.DECLARED),
}


def shows(request: Any) -> Any:
    """What of its credentials a view can find."""
    from django.http import JsonResponse

    scope = getattr(request, "scope", {})
    everything = [request.META, dict(request.headers), request.COOKIES, request.GET.dict(), scope]
    return JsonResponse({"seen": "s3cret" in repr(everything), "principal": request.principal.id})


def looks(get_response: Any) -> Any:
    """A layer in front that has read everything already."""

    def layer(request: Any) -> Any:
        _ = (request.headers, request.COOKIES, request.GET)
        return get_response(request)

    return layer


@every_kind
@pytest.mark.parametrize(
    "headers",
    [{"authorization": "Bearer s3cret-of-sam"}, {"x_api_key": "s3cret-of-sam"}, {"cookie": "a=b; key=s3cret-of-sam"}],
    ids=["header", "header of its own", "cookie"],
)
def test_credentials_are_hidden_from_views_by_choice(kind: str, headers: dict[str, Any]) -> None:
    from django.urls import path

    many = {"auth": "tests.adapters.django.site.many", "hide_credentials": True}
    layers = ["tests.adapters.django.test_paths_of_programs.looks", *LAYERS]
    with configured(ROOT_URLCONF=(path("shows", shows),), authmw=many, MIDDLEWARE=layers):
        assert said(ask(kind, "/shows", **headers)) == {"seen": False, "principal": "sam"}
    with configured(ROOT_URLCONF=(path("shows", shows),), authmw={**many, "hide_credentials": False}):
        assert said(ask(kind, "/shows", **headers)) == {"seen": True, "principal": "sam"}


@every_kind
def test_a_report_of_an_error_has_no_credentials(kind: str) -> None:
    from django.core import mail
    from django.utils.log import AdminEmailHandler

    mail.outbox = []
    import logging

    reporting = AdminEmailHandler(include_html=True)
    logger = logging.getLogger("django.request")
    logger.addHandler(reporting)
    try:
        with configured(authmw={"auth": "tests.adapters.django.site.gateway"}):
            for headers in ({"x_gateway": "s3cret-of-sam"}, {"cookie": "__Host-x=s3cret-of-sam; other=kept"}):
                given: dict[str, Any] = headers
                assert ask(kind, "/fails", **given).status == 500
    finally:
        logger.removeHandler(reporting)
    assert len(mail.outbox) == 2
    assert [str(each.message()) for each in mail.outbox if "s3cret" in str(each.message())] == []
    assert "kept" in str(mail.outbox[1].message())
