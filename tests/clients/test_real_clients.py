"""Real clients log in over real sockets, twice on a connection: curl, requests and httpx2."""

from __future__ import annotations

import subprocess
from collections.abc import Generator
from typing import Any

import httpx2
import pytest
import requests
from requests.auth import HTTPBasicAuth, HTTPDigestAuth

from tests.clients.apps import ACCOUNTS, TOKEN
from tests.servers.running import SERVERS, running
from tests.support import require

pytestmark = [pytest.mark.servers, pytest.mark.clients]

DIGESTS = ("/md5", "/sha256", "/both")


@pytest.fixture(scope="module", params=["gunicorn", "uvicorn-httptools"])
def base(request: pytest.FixtureRequest) -> Generator[str]:
    with running(request.param, f"tests.clients.apps:{SERVERS[request.param][0]}") as port:
        yield f"http://127.0.0.1:{port}"


def _curl(*arguments: str) -> list[str]:
    """curl's answers, each line ``status connections body``."""
    command = ["curl", "--silent", "--noproxy", "*", "--write-out", r" %{http_code} %{num_connects}\n", *arguments]
    done = subprocess.run(command, capture_output=True, timeout=20, check=False)
    return done.stdout.decode().splitlines()


@pytest.mark.parametrize("name", ACCOUNTS)
def test_curl_logs_in_twice_on_one_connection(base: str, name: str) -> None:
    require("curl")
    user = f"{name}:{ACCOUNTS[name]}"
    for path in ("/basic", *DIGESTS):
        option = "--basic" if path == "/basic" else "--digest"
        assert _curl(option, "--user", user, base + path, base + path) == [f"hello {name} 200 1", f"hello {name} 200 0"]


def test_curl_sends_a_bearer_token(base: str) -> None:
    require("curl")
    assert _curl("--oauth2-bearer", TOKEN, f"{base}/bearer") == ["hello alice 200 1"]
    assert _curl("--oauth2-bearer", "wrong", f"{base}/bearer")[0].split()[-2] == "401"


def test_curl_is_refused_with_a_wrong_password(base: str) -> None:
    require("curl")
    for option, path in (("--basic", "/basic"), *(("--digest", path) for path in DIGESTS)):
        assert _curl(option, "--user", "alice:wrong", base + path)[0].split()[-2] == "401"


def _requests_auth(path: str, name: str, password: str) -> Any:
    # requests writes text in latin-1, whatever the challenge asks for: bytes are written as they are.
    return HTTPBasicAuth(name.encode(), password.encode()) if path == "/basic" else HTTPDigestAuth(name, password)


@pytest.mark.parametrize("path", ["/basic", *DIGESTS])
@pytest.mark.parametrize("name", ACCOUNTS)
def test_requests_logs_in_twice_in_one_session(base: str, path: str, name: str) -> None:
    if path != "/basic" and not name.isascii():
        pytest.skip("requests hashes a user name in UTF-8 and sends it in latin-1, which no server can match")
    with requests.Session() as session:
        session.trust_env = False
        session.auth = _requests_auth(path, name, ACCOUNTS[name])
        answers = [session.get(base + path, timeout=10) for _ in range(2)]
        session.auth = _requests_auth(path, name, "wrong")
        refused = session.get(base + path, timeout=10)
    assert [(answer.status_code, answer.content.decode()) for answer in answers] == [(200, f"hello {name}")] * 2
    assert refused.status_code == 401


@pytest.mark.parametrize("path", ["/basic", *DIGESTS])
@pytest.mark.parametrize("name", ACCOUNTS)
def test_httpx2_logs_in_twice_in_one_session(base: str, path: str, name: str) -> None:
    kind = httpx2.BasicAuth if path == "/basic" else httpx2.DigestAuth
    with httpx2.Client(auth=kind(name, ACCOUNTS[name]), trust_env=False) as client:
        answers = [client.get(base + path) for _ in range(2)]
        refused = client.get(base + path, auth=kind(name, "wrong"))
    assert [(answer.status_code, answer.text) for answer in answers] == [(200, f"hello {name}")] * 2
    assert refused.status_code == 401
