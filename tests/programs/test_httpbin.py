"""httpbin behind authmw, as its page says: rules by endpoint, on the servers that the page names."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import pytest

from tests.programs.asking import ask, statuses
from tests.programs.conftest import MakeProgram
from tests.programs.program import GUNICORN, Program

pytestmark = pytest.mark.programs
USERS: Final = ("alice", "bob", "carol", "")
SERVERS: Final = {
    "gunicorn": GUNICORN,
    "granian": "-m granian --no-log --interface wsgi --workers 1 --host 127.0.0.1 --port {port} {app}",
}


@pytest.fixture(scope="module")
def httpbin(program: MakeProgram) -> Program:
    made = program("httpbin")
    made.generate_keys()
    made.create_user("alice", "read", "write")
    made.create_user("bob", "read")
    made.create_user("carol", "support")
    return made


@pytest.fixture(scope="module", params=SERVERS)
def url(httpbin: Program, request: pytest.FixtureRequest) -> Iterator[str]:
    with httpbin.serve("bin:app", SERVERS[request.param]) as server:
        yield f"http://127.0.0.1:{server.port}"


def test_each_endpoint_needs_what_the_page_says(url: str) -> None:
    table = {
        "GET /get": [200, 200, 403, 401],
        "HEAD /get": [200, 200, 403, 401],
        "POST /post": [200, 403, 403, 401],
        "PUT /put": [200, 403, 403, 401],
        "POST /anything/search": [200, 200, 403, 401],
        "POST /anything/else": [200, 403, 403, 401],
        "GET /cookies": [200, 403, 200, 401],
        "GET /delay/0": [403, 403, 200, 401],
        "POST /delay/0": [403, 403, 200, 401],
        "GET /status/200": [200, 200, 200, 200],
        "GET /robots.txt": [200, 200, 200, 200],
        "GET /nowhere": [404, 404, 403, 401],
    }
    for request, expected in table.items():
        method, _, path = request.partition(" ")
        assert statuses(url + path, *USERS, method=method) == expected, request


@pytest.mark.parametrize(
    "path",
    ["/Delay/0", "//delay/0", "/%64elay/0", "/%2564elay/0", "/x/../delay/0", "/./delay/0", "/delay/0/", "/delay;x/0"],
)
def test_no_spelling_of_a_path_needs_less(url: str, path: str) -> None:
    assert statuses(url + path, "alice", "bob", "") == [403, 403, 401]
    assert ask(url + path, "carol").status_code in (200, 403, 404)


@pytest.mark.parametrize("path", ["/status/200/", "/Status/200", "//status/200", "/x/../status/200"])
def test_no_other_spelling_is_public(url: str, path: str) -> None:
    assert ask(url + path).status_code == 401


def test_the_endpoints_that_test_clients_read_credentials_themselves(url: str) -> None:
    assert ask(f"{url}/bearer", token="anything").json() == {"authenticated": True, "token": "anything"}
    assert ask(f"{url}/bearer").headers["WWW-Authenticate"] == "Bearer"  # that of httpbin
    assert ask(f"{url}/basic-auth/zoe/secret", "alice").status_code == 401
    assert ask(f"{url}/basic-auth/zoe/secret", headers={"Authorization": "Basic em9lOnNlY3JldA=="}).status_code == 200


def test_httpbin_does_not_see_the_credentials_of_callers(httpbin: Program, url: str) -> None:
    token = httpbin.issue_token("bob")
    for caller in ({"user": "bob"}, {"token": token}):
        shown = ask(f"{url}/headers", **caller).json()["headers"]
        assert "Host" in shown
        assert "Authorization" not in shown


def test_a_refusal_names_the_scope(httpbin: Program, url: str) -> None:
    refused = ask(f"{url}/post", method="POST", token=httpbin.issue_token("bob"))
    assert refused.status_code == 403
    assert refused.headers["WWW-Authenticate"] == 'Bearer realm="bin", error="insufficient_scope", scope="write"'


def test_the_command_lists_the_rules(httpbin: Program) -> None:
    listed = httpbin.run("authmw", "routes", "bin:app")
    assert listed.returncode == 0, listed.stderr
    lines = {line.split()[1]: line for line in listed.stdout.splitlines()}
    assert "one of write support" in lines["/cookies"]
    assert "support" in lines["/delay/{delay}"]
    assert "left alone" in lines["/bearer"]
    assert "public" in lines["/robots.txt"]
