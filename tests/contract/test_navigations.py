"""With ``login=``, navigations are sent to log in through every interface, and everything else gets the same bytes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache, partial
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authmw import APIKeyCookie, Auth, HTTPBearer, Principal, is_navigation
from authmw.http.request import WSGIRequest
from authmw.wsgi import AuthMiddleware
from tests.contract import apps
from tests.contract.cases import OUTCOMES, PATHS, VARY, Answer, Case
from tests.contract.clients import ask_asgi, ask_wsgi, environ_of
from tests.contract.django_project import ask_service
from tests.contract.engine import make_auth

Ask = Callable[[Case], Answer]

INTERFACES: Final[Mapping[str, Callable[[Auth], Ask]]] = {
    "wsgi": lambda auth: partial(ask_wsgi, apps.make_wsgi(auth)),
    "flask": lambda auth: partial(ask_wsgi, apps.make_flask(auth)),
    "asgi": lambda auth: partial(ask_asgi, apps.make_asgi(auth)),
    "starlette": lambda auth: partial(ask_asgi, apps.make_starlette(auth)),
    "fastapi": lambda auth: partial(ask_asgi, apps.make_fastapi(auth)),
    "django": lambda auth: ask_service("wsgi", auth),
    "django-asgi": lambda auth: ask_service("asgi", auth),
}
every_interface = pytest.mark.parametrize("interface", INTERFACES)

PAGE: Final = b"text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
OPENED: Final = ((b"Sec-Fetch-Mode", b"navigate"), (b"Sec-Fetch-Dest", b"document"), (b"Sec-Fetch-Site", b"none"))

# What these send, as captured from their releases of 2026; `tests/clients` runs pip, twine, git and curl themselves.
CLIENTS: Final[Mapping[str, tuple[tuple[bytes, bytes], ...]]] = {
    "curl": ((b"User-Agent", b"curl/8.9"), (b"Accept", b"*/*")),
    "pip": (
        (b"User-Agent", b'pip/25.3 {"ci":null}'),
        (
            b"Accept",
            b"application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html; q=0.1, text/html; q=0.01",
        ),
    ),
    "twine": ((b"User-Agent", b"twine/6.2 requests/2.32"), (b"Accept", b"*/*")),
    "git": ((b"User-Agent", b"git/2.39"), (b"Accept", b"*/*"), (b"Git-Protocol", b"version=2")),
    "Java": (
        (b"User-Agent", b"Java/21"),
        (b"Accept", b"text/html, image/gif, image/jpeg, *; q=.2, */*; q=.2"),
    ),
    "requests": ((b"User-Agent", b"python-requests/2.32"), (b"Accept", b"*/*")),
    "fetch": (
        *((b"Accept", b"*/*"), (b"Sec-Fetch-Mode", b"cors"), (b"Sec-Fetch-Dest", b"empty")),
        (b"Sec-Fetch-Site", b"same-origin"),
    ),
    "htmx": (
        *((b"HX-Request", b"true"), (b"HX-Current-URL", b"https://app.example/"), (b"Accept", b"*/*")),
        *((b"Sec-Fetch-Mode", b"cors"), (b"Sec-Fetch-Dest", b"empty"), (b"Sec-Fetch-Site", b"same-origin")),
    ),
    "htmx over plain HTTP": ((b"HX-Request", b"true"), (b"Accept", b"*/*")),
    "an image": (
        (b"Accept", b"image/avif,image/webp,image/apng,image/svg+xml,image/*,*/*;q=0.8"),
        *((b"Sec-Fetch-Mode", b"no-cors"), (b"Sec-Fetch-Dest", b"image"), (b"Sec-Fetch-Site", b"same-origin")),
    ),
    "a frame": ((b"Accept", PAGE), (b"Sec-Fetch-Mode", b"navigate"), (b"Sec-Fetch-Dest", b"iframe")),
    "a browser that was given a password": (*OPENED, (b"Accept", PAGE), (b"Authorization", b"Basic YWxpY2U6d3Jvbmc=")),
}
NAVIGATIONS: Final[Mapping[str, tuple[tuple[bytes, bytes], ...]]] = {
    "a browser": (*OPENED, (b"Accept", PAGE)),
    "a browser over plain HTTP": ((b"Accept", PAGE),),
}


@cache
def asker(interface: str, login: str | None) -> Ask:
    """Asks the service through `interface`, with that login page."""
    return INTERFACES[interface](make_auth(login=login))


@every_interface
@pytest.mark.parametrize("navigation", NAVIGATIONS)
def test_a_navigation_is_sent_to_log_in(interface: str, navigation: str) -> None:
    answer = asker(interface, "/login")(Case("", Answer(303), NAVIGATIONS[navigation], "/orders?page=2"))
    assert answer == Answer(
        303,
        body=b"Log in first.\n",
        content_type="text/plain; charset=utf-8",
        vary=f"{VARY}, Sec-Fetch-Mode, Sec-Fetch-Dest, Accept",
        location="/login?next=/orders%3Fpage%3D2",
    )


@every_interface
@pytest.mark.parametrize("client", CLIENTS)
def test_a_program_gets_the_same_bytes_as_without_a_login_page(interface: str, client: str) -> None:
    for target in ("/orders", "/me", "/nothing-is-here", "/login/style.css"):
        case = Case("", Answer(401), CLIENTS[client], target)
        answer = asker(interface, "/login")(case)
        assert answer == asker(interface, None)(case)
        assert answer.status == 401


@every_interface
@pytest.mark.parametrize("case", OUTCOMES + PATHS, ids=lambda case: case.id)
def test_so_does_each_row_of_the_contract(interface: str, case: Case) -> None:
    if not case.needs_socket:
        assert asker(interface, "/login")(case) == case.answer


@every_interface
def test_a_form_is_not_sent_anywhere(interface: str) -> None:
    answer = asker(interface, "/login")(Case("", Answer(401), NAVIGATIONS["a browser"], "/orders", "POST"))
    assert (answer.status, answer.location) == (401, "")


@every_interface
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_the_login_page_is_reached_by_strangers(interface: str, method: str) -> None:
    """The service has no route for it: what answers is the router, or the application itself."""
    answer = asker(interface, "/login")(Case("", Answer(404), NAVIGATIONS["a browser"], "/login?next=/orders", method))
    assert answer.status in (200, 404)
    assert asker(interface, None)(Case("", Answer(401), (), "/login", method)).status == 401


@every_interface
@pytest.mark.parametrize("target", ["/login/style.css", "/login/a/b", "/login//"])
def test_what_is_below_it_is_closed_and_leads_nowhere(interface: str, target: str) -> None:
    answer = asker(interface, "/login")(Case("", Answer(401), NAVIGATIONS["a browser"], target))
    assert (answer.status, answer.location) == (401, "")


def cookies(**settings: Any) -> Auth:
    """An `Auth` for a cookie, and for tokens."""
    people = {"alice": Principal("alice")}
    return Auth(APIKeyCookie("__Host-key", people.get) | HTTPBearer(people.get), **settings)


@pytest.mark.parametrize("interface", ["wsgi", "asgi"])
def test_a_dead_cookie_is_cleared_on_the_way(interface: str) -> None:
    headers = (*NAVIGATIONS["a browser"], (b"Cookie", b"__Host-key=gone"))
    case = Case("", Answer(303), headers, "/me")
    answers = [INTERFACES[interface](cookies(login=login))(case) for login in ("/login", None)]
    assert [each.status for each in answers] == [303, 401]
    assert answers[0].cookies == answers[1].cookies
    assert answers[0].cache_control == "no-store"
    assert answers[0].vary == "Cookie, Authorization, Sec-Fetch-Mode, Sec-Fetch-Dest, Accept"


HEADERS: Final = st.dictionaries(
    st.sampled_from(["Accept", "Authorization", "Cookie", "Origin", "Sec-Fetch-Mode", "Sec-Fetch-Dest", "Upgrade"]),
    st.sampled_from(
        [
            *("navigate", "document", "cors", "empty", "application/xhtml+xml", "*/*", "websocket", "Bearer alice"),
            *("Bearer bob", "__Host-key=bob", "https://a.example", "", "text/html, application/xhtml+xml;q=0"),
        ]
    ),
)


@given(
    st.sampled_from(["GET", "HEAD", "POST", "OPTIONS", "get", "TRACE"]),
    st.sampled_from(["/", "/me", "/me?next=/me", "//me", "/me%00", "/health"]),
    HEADERS,
)
def test_what_is_no_navigation_gets_the_same_bytes(method: str, target: str, headers: dict[str, str]) -> None:
    case = Case("", Answer(0), tuple((k.encode(), v.encode()) for k, v in headers.items()), target, method)
    answers = [_all_of(cookies(login=login), case) for login in ("/login", None)]
    if is_navigation(WSGIRequest(environ_of(case))):
        assert answers[0][0][:3] in (answers[1][0][:3], "303")
    else:
        assert answers[0] == answers[1]


def _all_of(auth: Auth, case: Case) -> tuple[str, list[tuple[str, str]], bytes]:
    """Status line, headers and body of an answer."""
    started: list[tuple[str, list[tuple[str, str]]]] = []

    def serve(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        start_response("200 OK", [])
        return [b"served"]

    def start_response(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
        started.append((status, headers))

    body = AuthMiddleware(serve, auth, public=["/health"])(environ_of(case), start_response)
    return (*started[-1], b"".join(body))
