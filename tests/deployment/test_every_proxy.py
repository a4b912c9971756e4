"""Through real proxies with the configuration of their pages: what a client may do, and what it can not."""

from __future__ import annotations

import json
import socket
import threading
from pathlib import Path
from typing import Final

import pytest
from websockets.exceptions import InvalidStatus

from tests.deployment import proxies
from tests.deployment.conftest import Chain, Deploy

pytestmark = pytest.mark.clients

CHAINS: Final = (
    "nginx uvicorn",
    "nginx gunicorn",
    "nginx granian-asgi",
    "caddy uvicorn",
    "caddy gunicorn",
    "caddy granian-wsgi",
    "apache mod_wsgi",
)
FORGED: Final = (
    ("X-Forwarded-For", "203.0.113.7"),
    ("X-Forwarded-For", "127.0.0.1"),
    ("X_Forwarded_For", "203.0.113.7"),
    ("X-Forwarded-Proto", "http"),
    ("X_Forwarded_Proto", "http"),
    ("X-Forwarded-Host", "evil.example"),
    ("X-Forwarded-Port", "80"),
    ("X-Forwarded-Prefix", "/health"),
    ("X-Script-Name", "/health"),
    ("X-Real-IP", "203.0.113.7"),
    ("Forwarded", "for=203.0.113.7;proto=http;host=evil.example"),
    ("SCRIPT_NAME", "/health"),
    ("PATH_INFO", "/health"),
    ("Remote-User", "alice"),
    ("X-Remote-User", "alice"),
)
TRICKS: Final = (
    "/health/../orders",
    "/health/%2e%2e/orders",
    "/health%2f..%2forders",
    "/health/..%2forders",
    "/health/..;/orders",
    "/health;/../orders",
    "/health%3b/orders",
    "/health%00/orders",
    "/health%23/../orders",
    "/health/..\\orders",
    "/health%5c..%5corders",
    "/health#/../../orders",
    "/health//../orders",
    "//health/../orders",
    "//orders",
    "/./orders",
    "/orders/",
    "/orders/.",
    "/orders%20",
    "/orders%2f",
    "/orders/../health/../orders",
    "/%6frders",
    "/%256frders",
    "/ORDERS",
    "/orders;a=health",
    "http://shop.example/orders",
    "http://evil.example/health/../orders",
)


TOO_LARGE: Final = b"x" * 1_100_000


@pytest.fixture(params=CHAINS)
def chain(request: pytest.FixtureRequest, deploy: Deploy) -> Chain:
    name: str = request.param
    return deploy(name)


def test_a_user_logs_in_and_calls_with_the_token(chain: Chain) -> None:
    assert chain.client.ask("/health").body == b"alive"
    assert chain.client.ask("/orders").status == 401
    answered = chain.client.ask("/orders", [chain.bearer])
    assert (answered.status, json.loads(answered.body)) == (200, {"orders of": "alice"})


def test_the_challenge_and_the_code_arrive(chain: Chain) -> None:
    refused = chain.client.ask("/orders", [("Authorization", "Bearer x")])
    assert refused.status == 401
    assert 'error="invalid_token"' in refused.header("www-authenticate")
    assert json.loads(refused.body)["code"] == "authmw.token-invalid"
    assert refused.header("cache-control") == "no-store"


def test_no_forged_header_opens_a_closed_path_or_closes_an_open_one(chain: Chain) -> None:
    client = chain.client
    found = {
        header: (client.ask("/orders", [header]).status, client.ask("/health", [header]).status) for header in FORGED
    }
    assert found == dict.fromkeys(FORGED, (401, 200))


def test_a_path_trick_opens_nothing(chain: Chain) -> None:
    found = {trick: chain.client.ask(trick) for trick in TRICKS}
    # The part behind # is dropped on the way, and Caddy answers for a host that it does not know by nothing.
    opened = {trick: reply.body for trick, reply in found.items() if reply.status < 300}
    assert set(opened.values()) <= {b"alive", b""}
    assert set(opened) <= {"/health#/../../orders", "http://evil.example/health/../orders"}


def test_two_authorization_headers_are_refused(chain: Chain) -> None:
    for first in (chain.bearer, ("Authorization", "Basic eDp5")):
        assert chain.client.ask("/orders", [first, chain.bearer]).status == 400


def test_an_event_stream_is_not_kept_back(chain: Chain) -> None:
    head, _, body = chain.client.first_part("/events", [chain.bearer]).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200")
    assert b"data: tick" in body


def test_guesses_count_for_the_address_of_the_client(chain: Chain) -> None:
    assert chain.client.at("127.0.0.2").guesses(12) == [401] * 10 + [429] * 2
    assert chain.client.at("127.0.0.3").guesses(1) == [401]


def test_a_token_of_eight_thousand_characters_reaches_the_service(chain: Chain) -> None:
    assert chain.client.ask("/orders", [("Authorization", f"Bearer {'x' * 8000}")]).status == 401


@pytest.mark.parametrize("name", ["nginx uvicorn", "nginx gunicorn", "apache mod_wsgi"])
def test_a_body_that_is_too_large_is_refused_in_front(name: str, deploy: Deploy) -> None:
    assert deploy(name).client.ask("/orders", [], method="POST", body=TOO_LARGE).status == 413


def test_caddy_passes_on_no_body_that_is_too_large(tmp_path: Path) -> None:
    received = bytearray()
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def receive() -> None:
            connection, _ = listener.accept()
            with connection:
                while part := connection.recv(65536):
                    received.extend(part)

        thread = threading.Thread(target=receive)
        thread.start()
        with proxies.caddy(tmp_path, listener.getsockname()[1]) as (client, _):
            assert client.ask("/orders", [], method="POST", body=TOO_LARGE).status in {413, 502}
        thread.join(timeout=30)
    assert 0 < len(received) < len(TOO_LARGE)


@pytest.mark.parametrize("name", [name for name in CHAINS if not name.startswith("apache")])
def test_http_is_redirected_to_https(name: str, deploy: Deploy) -> None:
    plain = deploy(name).plain
    assert plain is not None
    redirected = plain.ask("/orders?page=2", [("X-Forwarded-Host", "evil.example")])
    assert redirected.status in {301, 308}
    assert redirected.header("location") == "https://shop.example/orders?page=2"


@pytest.mark.parametrize("name", [name for name in CHAINS if name.endswith(("uvicorn", "asgi"))])
class TestOverASGI:
    def test_a_websocket_opens_with_a_token_and_not_without(self, name: str, deploy: Deploy) -> None:
        chain = deploy(name)
        with chain.client.websocket("/live", [chain.bearer]) as websocket:
            websocket.send("hello")
            assert websocket.recv(timeout=10) == "alice: hello"
        with pytest.raises(InvalidStatus) as refused, chain.client.websocket("/live", []):
            pass
        assert refused.value.response.status_code == 401

    def test_redirects_of_the_framework_are_https(self, name: str, deploy: Deploy) -> None:
        chain = deploy(name)
        redirected = chain.client.ask("/orders/", [chain.bearer, ("X-Forwarded-Proto", "http")])
        assert (redirected.status, redirected.header("location")) == (307, "https://shop.example/orders")
