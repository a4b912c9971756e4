"""Websockets of pages that log in, under `LocalAuth`: Chromium says their `Origin` and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from authmw import Session
from authmw.identity.credentials import SessionValue
from authmw.local import Local, LocalSettings
from tests.requests import asgi_request, wsgi_request

COOKIE = "__Host-session=st_value"
OPENED = {"upgrade": "websocket", "cookie": COOKIE}
OWN = ["localhost:8765", "localhost", "127.0.0.1:8000", "[::1]:8000", "[::1]"]
OTHERS = [
    ("localhost:8000", "http://localhost:3000"),  # another program on this machine
    ("localhost:8000", "http://127.0.0.1:8000"),
    ("localhost:8000", "null"),
    ("localhost:8000", "https://evil.example"),
    ("evil.example:8000", "http://evil.example:8000"),  # a name that points to this machine
    ("localhost.evil.example", "http://localhost.evil.example"),
    ("localhost:8000@evil.example", "http://localhost:8000@evil.example"),
    ("", "http://"),
]


def session_of(folder: Path, **settings: str) -> Session:
    names = {"AUTHMW_DATABASE": f"sqlite:///{folder}/app.db", "AUTHMW_KEYS": f"{folder}/keys.json", **settings}
    local = Local(LocalSettings.read(environ=names), pages=True)
    assert local.pages is not None
    local.close()
    return local.pages.session


def counts(session: Session, **headers: str) -> bool:
    """Whether the cookie counts for a websocket without a form token."""
    for make in (wsgi_request, asgi_request):
        found = session.extract(make(**OPENED, **headers))
        if not isinstance(found, SessionValue) or found.needs_form_token:
            return False
    return True


def test_on_this_machine_a_page_of_the_same_host_and_port_opens_websockets(tmp_path: Path) -> None:
    session = session_of(tmp_path)
    assert session.name == "Session"
    for host in OWN:
        assert counts(session, host=host, origin=f"http://{host}"), host
    for host, origin in OTHERS:
        assert not counts(session, host=host, origin=origin), host
    assert not counts(session, host="localhost")
    assert not counts(session, host="localhost", origin="http://localhost", sec_fetch_site="same-site")


def test_once_the_issuer_is_known_its_origin_counts_alone(tmp_path: Path) -> None:
    session = session_of(tmp_path, AUTHMW_ISSUER="https://shop.example/auth")
    assert session.origins == {"https://shop.example"}
    assert counts(session, origin="https://shop.example", host="10.0.0.7")
    assert not counts(session, origin="http://localhost:8000", host="localhost:8000")
    assert not counts(session, origin="https://evil.example", host="shop.example")


@pytest.mark.parametrize("issuer", ["http://localhost:5000/auth"])
def test_the_issuer_of_this_machine_has_its_port(tmp_path: Path, issuer: str) -> None:
    assert session_of(tmp_path, AUTHMW_ISSUER=issuer).origins == {"http://localhost:5000"}
