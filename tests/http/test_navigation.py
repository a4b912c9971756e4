"""A navigation is what a browser sends to open a page, and nothing that a program or a page's script sends."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authmw import is_navigation
from authmw.engine.message import MessageHead
from authmw.http.request import ASGIRequest
from tests.requests import asgi_request, wsgi_request

OPENED = {"sec_fetch_mode": "navigate", "sec_fetch_dest": "document", "sec_fetch_site": "none"}
CHROMIUM = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"

NAVIGATIONS: list[tuple[str, str, dict[str, str]]] = [
    ("a link in a current browser", "GET", {**OPENED, "accept": CHROMIUM}),
    ("whatever it accepts", "GET", {**OPENED, "accept": "*/*"}),
    ("HEAD", "HEAD", OPENED),
    ("a browser over plain HTTP", "GET", {"accept": CHROMIUM}),
    ("an old browser", "GET", {"accept": "text/html, application/xhtml+xml, image/jxr, */*"}),
    ("a weight", "GET", {"accept": "application/xhtml+xml;q=0.5"}),
    ("another parameter", "GET", {"accept": "application/xhtml+xml;level=0;q=0.01"}),
    ("other case", "GET", {"accept": "Application/XHTML+XML"}),
]
OTHERS: list[tuple[str, str, dict[str, str]]] = [
    ("nothing", "GET", {}),
    ("curl", "GET", {"accept": "*/*"}),
    ("Java", "GET", {"accept": "text/html, image/gif, image/jpeg, *; q=.2, */*; q=.2"}),
    ("pip", "GET", {"accept": "application/vnd.pypi.simple.v1+json, text/html; q=0.01"}),
    ("fetch", "GET", {"sec_fetch_mode": "cors", "sec_fetch_dest": "empty", "accept": "*/*"}),
    ("fetch that accepts pages", "GET", {"sec_fetch_mode": "cors", "sec_fetch_dest": "empty", "accept": CHROMIUM}),
    ("an image", "GET", {"sec_fetch_mode": "no-cors", "sec_fetch_dest": "image"}),
    ("a frame", "GET", {**OPENED, "sec_fetch_dest": "iframe"}),
    ("an embedded object", "GET", {**OPENED, "sec_fetch_dest": "object"}),
    ("one header of the two", "GET", {"sec_fetch_mode": "navigate", "accept": CHROMIUM}),
    ("the other one", "GET", {"sec_fetch_dest": "document", "accept": CHROMIUM}),
    ("another Sec-Fetch header", "GET", {"sec_fetch_site": "none", "accept": CHROMIUM}),
    ("a form", "POST", {**OPENED, "accept": CHROMIUM}),
    ("a preflight", "OPTIONS", {**OPENED, "origin": "https://a.example", "access_control_request_method": "GET"}),
    ("lower case", "get", OPENED),
    ("credentials", "GET", {**OPENED, "authorization": "Basic YTpi"}),
    ("empty credentials", "GET", {"accept": CHROMIUM, "authorization": ""}),
    ("a websocket", "GET", {**OPENED, "upgrade": "websocket"}),
    ("ruled out", "GET", {"accept": "text/html, application/xhtml+xml;q=0"}),
    ("ruled out in full", "GET", {"accept": "application/xhtml+xml; q=0.000"}),
    ("ruled out by a short weight", "GET", {"accept": "text/html, application/xhtml+xml;q=0."}),
    ("ruled out in other case", "GET", {"accept": "application/xhtml+xml;Q=0"}),
    ("part of a name", "GET", {"accept": "application/xhtml+xml2"}),
    ("other words", "GET", {"sec_fetch_mode": "navigate,navigate", "sec_fetch_dest": "document"}),
]


@pytest.mark.parametrize("make", [wsgi_request, asgi_request])
@pytest.mark.parametrize("method, headers", [pytest.param(*each[1:], id=each[0]) for each in NAVIGATIONS])
def test_a_browser_that_opens_a_page_navigates(make: Any, method: str, headers: dict[str, str]) -> None:
    assert is_navigation(make("/orders", method, **headers))


@pytest.mark.parametrize("make", [wsgi_request, asgi_request])
@pytest.mark.parametrize("method, headers", [pytest.param(*each[1:], id=each[0]) for each in OTHERS])
def test_nothing_else_does(make: Any, method: str, headers: dict[str, str]) -> None:
    assert not is_navigation(make("/orders", method, **headers))


def test_nor_does_a_websocket_or_a_message() -> None:
    headers = [(name.replace("_", "-").encode(), value.encode()) for name, value in OPENED.items()]
    assert not is_navigation(ASGIRequest({"type": "websocket", "path": "/", "headers": headers}))
    assert not is_navigation(MessageHead(None, wsgi_request("/", **OPENED)))


@given(st.text(max_size=60))
def test_any_accept_gets_an_answer(accept: str) -> None:
    assert is_navigation(wsgi_request(accept=accept)) in (True, False)
