"""An access token in a cookie: which request may use it, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authmw import Auth, ConfigurationError, HTTPBearer, Principal
from authmw.http.reasons import Reason
from authmw.http.refusal import Refusal
from authmw.http.request import ASGIRequest
from authmw.identity.credentials import BearerToken
from authmw.identity.requirement import AUTHENTICATED
from authmw.identity.verdict import Rejected
from authmw.schemes.token_cookie import TokenCookie
from tests.requests import asgi_request, wsgi_request

ORIGIN = "https://shop.example"
COOKIE = "__Host-access=t0ken"
SCHEME = TokenCookie({"t0ken": Principal("alice")}.get, origins=[ORIGIN])
MAKERS: dict[str, Any] = {"wsgi": wsgi_request, "asgi": asgi_request}
REQUESTS = pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS.keys())


def nobody(_: str) -> Principal | None:
    return None


def reason_of(found: object) -> Reason | None:
    """Why nothing was extracted; None for a token."""
    if isinstance(found, Rejected):
        return found.reason
    assert found == BearerToken("t0ken")
    return None


SAME = {"sec_fetch_site": "same-origin"}
CASES: list[tuple[str, dict[str, str], bool]] = [
    ("GET", {}, True),
    ("HEAD", {"sec_fetch_site": "cross-site", "origin": "https://evil.example"}, True),
    ("OPTIONS", {"origin": "null"}, True),
    ("POST", SAME, True),
    ("POST", {**SAME, "origin": ORIGIN}, True),
    ("POST", {"origin": ORIGIN}, True),
    ("POST", {}, False),
    ("POST", {"referer": f"{ORIGIN}/"}, False),
    ("POST", {"host": "shop.example", "x_forwarded_host": "shop.example"}, False),
    ("POST", {"origin": "https://evil.example", "host": "evil.example"}, False),
    ("POST", {"origin": "null"}, False),
    ("POST", {**SAME, "origin": "null"}, False),
    ("POST", {"origin": ""}, False),
    ("POST", {"origin": "http://shop.example"}, False),
    ("POST", {"origin": "https://shop.example:444"}, False),
    ("POST", {"origin": "https://SHOP.example"}, False),
    ("POST", {"origin": "https://shop.example.evil.example"}, False),
    ("POST", {"origin": f"{ORIGIN},https://evil.example"}, False),
    ("POST", {"sec_fetch_site": "same-site", "origin": ORIGIN}, False),
    ("POST", {"sec_fetch_site": "cross-site", "origin": ORIGIN}, False),
    ("POST", {"sec_fetch_site": "none"}, False),
    ("POST", {"sec_fetch_site": "none", "origin": ORIGIN}, False),
    ("POST", {"sec_fetch_site": "Same-Origin"}, False),
    ("POST", {"sec_fetch_site": "same-origin,cross-site"}, False),
    ("POST", {"sec_fetch_site": "", "origin": ORIGIN}, False),
    ("PUT", {}, False),
    ("PATCH", {}, False),
    ("DELETE", {}, False),
    ("TRACE", {}, False),
    ("get", {}, False),
    ("BREW", {}, False),
    ("GET", {"upgrade": "websocket"}, False),
    ("GET", {"upgrade": "WebSocket", "origin": "https://evil.example"}, False),
    ("GET", {"upgrade": "websocket", "origin": ORIGIN}, True),
]


@REQUESTS
@pytest.mark.parametrize("method, headers, passes", CASES)
def test_csrf_what_may_change_something_comes_from_a_page_of_ours(
    make: Any, method: str, headers: dict[str, str], passes: bool
) -> None:
    found = SCHEME.extract(make(method=method, cookie=COOKIE, **headers))
    assert reason_of(found) is (None if passes else Reason.CROSS_SITE)


def test_csrf_a_websocket_over_http_2_has_no_upgrade_header_and_is_checked_too() -> None:
    headers = [(b"cookie", COOKIE.encode()), (b"origin", b"https://evil.example")]
    scope = {"type": "websocket", "path": "/", "query_string": b"", "headers": headers}
    assert reason_of(SCHEME.extract(ASGIRequest(scope))) is Reason.CROSS_SITE
    scope["headers"] = [headers[0], (b"origin", ORIGIN.encode())]
    assert reason_of(SCHEME.extract(ASGIRequest(scope))) is None


@REQUESTS
@pytest.mark.parametrize(
    "cookie, reason",
    [
        ("a=b; __Host-access=t0ken; c=d", None),
        ("__Host-access=t0ken;__Host-access=t0ken", Reason.CREDENTIAL_DUPLICATE),
        ("__Host-access=evil; a=b; __Host-access=t0ken", Reason.CREDENTIAL_DUPLICATE),
        ("=__Host-access=evil; __Host-access=t0ken", Reason.CREDENTIAL_DUPLICATE),
        ("__Host-access=t0ken; =__Host-access=evil", Reason.CREDENTIAL_DUPLICATE),
        ("==__Host-access=evil; __Host-access=t0ken", Reason.CREDENTIAL_DUPLICATE),
        ("=__Host-access=t0ken", Reason.CREDENTIAL_DUPLICATE),
        (" = __Host-access=t0ken", Reason.CREDENTIAL_DUPLICATE),
        (f"__Host-access=t0ken; {'a' * 70_000}=b", Reason.CREDENTIAL_DUPLICATE),
        ("__Host-access=", Reason.TOKEN_MALFORMED),
        ('__Host-access="t0ken"', Reason.TOKEN_MALFORMED),
        ("__Host-access=a b", Reason.TOKEN_MALFORMED),
        ("__Host-access=t0k\xe9n", Reason.TOKEN_MALFORMED),
        (f"__Host-access={'a' * 9000}", Reason.TOKEN_MALFORMED),
    ],
)
def test_class_32_an_ambiguous_cookie_is_none_and_a_malformed_one_is_refused(
    make: Any, cookie: str, reason: Reason | None
) -> None:
    assert reason_of(SCHEME.extract(make(cookie=cookie))) is reason


@REQUESTS
@pytest.mark.parametrize("length, fits", [(1, True), (8192, True), (8193, False)])
def test_a_cookie_over_8_kib_is_not_looked_at(make: Any, length: int, fits: bool) -> None:
    found = SCHEME.extract(make(cookie=f"__Host-access={'a' * length}"))
    assert found == BearerToken("a" * length) if fits else reason_of(found) is Reason.TOKEN_MALFORMED


@REQUESTS
@pytest.mark.parametrize(
    "cookie", ["", "a=b", "__host-access=t0ken", "access=t0ken", "x__Host-access=t0ken", "__Host-access"]
)
def test_without_the_cookie_nothing_is_presented(make: Any, cookie: str) -> None:
    assert SCHEME.extract(make(cookie=cookie)) is None
    assert SCHEME.extract(make(method="POST", cookie=cookie)) is None


def test_class_33_a_cross_site_request_is_nobodys() -> None:
    auth = Auth(HTTPBearer(nobody) | SCHEME)
    request = wsgi_request(method="POST", cookie=COOKIE)
    found = auth.authenticate(request)
    assert not isinstance(found, Refusal)
    assert not found.principal.is_authenticated
    refusal = auth.decide(found, AUTHENTICATED, request)
    assert isinstance(refusal, Refusal)
    assert (refusal.status, refusal.reason) == (401, Reason.CROSS_SITE)
    response = refusal.response()
    assert [name for name, _ in response.headers].count("WWW-Authenticate") == 2
    assert ("Vary", "Authorization, Cookie") in response.headers
    assert ("Cache-Control", "no-store") in response.headers


def test_a_good_cookie_authenticates_and_a_bad_one_is_a_401() -> None:
    auth = Auth(SCHEME)
    found = auth.authenticate(wsgi_request(cookie=COOKIE))
    assert not isinstance(found, Refusal)
    assert (found.principal.id, found.principal.scheme) == ("alice", "TokenCookie")
    request = wsgi_request(cookie="__Host-access=other")
    found = auth.authenticate(request)
    assert not isinstance(found, Refusal)
    refusal = auth.decide(found, AUTHENTICATED, request)
    assert isinstance(refusal, Refusal)
    assert refusal.status == 401
    assert [str(each) for each in refusal.challenges] == ['ApiKey realm="app", cookie="__Host-access"']


def test_where_sessions_begin_an_old_cookie_is_not_looked_at() -> None:
    scheme = TokenCookie(origins=[ORIGIN], open_to=["/auth/login"])
    assert scheme.extract(wsgi_request("/auth/login", "POST", cookie=COOKIE)) is None
    for path in ("/login", "/auth/login/", "/auth/LOGIN", "//auth/login"):
        assert reason_of(scheme.extract(wsgi_request(path, "POST", cookie=COOKIE))) is Reason.CROSS_SITE


@pytest.mark.parametrize(
    "origin, fix",
    [
        ("shop.example", "write scheme, host and port"),
        ("https://shop.example/", "without a slash"),
        ("https://shop.example/app", "without a slash"),
        ("https://Shop.example", "in lower case"),
        ("https://*.shop.example", "is no origin"),
        ("https://a@shop.example", "is no origin"),
        ("null", "is no origin"),
        ("", "is no origin"),
        (None, "is no origin"),
        ("https://shop.example:443", "without the port"),
        ("http://localhost:80", "without the port"),
        ("http://shop.example", "use https"),
        ("http://127.0.0.1.example", "use https"),
    ],
)
def test_an_origin_that_no_browser_sends_is_refused_with_its_fix(origin: Any, fix: str) -> None:
    with pytest.raises(ConfigurationError, match=fix):
        TokenCookie(origins=[origin])


@pytest.mark.parametrize("origins", [[], ORIGIN])
def test_origins_are_a_list_of_at_least_one(origins: Any) -> None:
    with pytest.raises(ConfigurationError, match="lists the origins of the pages"):
        TokenCookie(origins=origins)


def test_an_origin_is_https_or_loopback_with_any_port() -> None:
    origins = [ORIGIN, "https://shop.example:8443", "http://localhost:5000", "http://127.0.0.1", "http://[::1]:8000"]
    assert TokenCookie(origins=origins).origins == set(origins)


@pytest.mark.parametrize("cookie", ["access", "__Secure-access", "__host-access", "__Host-a b", "__Host-a=b", ""])
def test_a_cookie_that_another_host_could_set_is_refused(cookie: str) -> None:
    with pytest.raises(ConfigurationError, match="so that no other host can set it"):
        TokenCookie(origins=[ORIGIN], cookie=cookie)


@given(
    cookie=st.text(st.characters(max_codepoint=255)),
    method=st.sampled_from(["GET", "POST"]),
    site=st.sampled_from(["same-origin", "cross-site", ""]),
)
def test_any_cookie_header_gets_an_answer(cookie: str, method: str, site: str) -> None:
    for prefix in ("", "__Host-access=", "="):
        request = wsgi_request(method=method, cookie=prefix + cookie, sec_fetch_site=site)
        found = SCHEME.extract(request)
        assert found is None or isinstance(found, Rejected | BearerToken)
        if isinstance(found, BearerToken):
            assert method == "GET" or site == "same-origin"
