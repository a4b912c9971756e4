"""The Django project on real servers: the admin beside tokens, views, Django REST framework, and a websocket."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
import requests
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from authmw import KeyRing, issue
from tests.servers.running import running
from tests.support import ROOT, unmeasured

pytestmark = [pytest.mark.servers, pytest.mark.slow]
WAIT = 60.0
"""Seconds for an answer: gunicorn listens before its worker has loaded Django."""
PROJECT = ROOT / "examples" / "django"
SERVERS = {"gunicorn": "mysite.wsgi:application", "uvicorn-h11": "mysite.asgi:application"}


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, str]:
    """The environment of the project: a folder with its key ring and its database, which has a superuser."""
    folder = tmp_path_factory.mktemp("mysite")
    KeyRing.generate("ES256").save(folder / "keys.json")
    told = {"MYSITE_DATA": str(folder), "PYTHONPATH": os.pathsep.join((str(ROOT), str(PROJECT)))}
    manage(told, "migrate", "--verbosity", "0")
    superuser = {**told, "DJANGO_SUPERUSER_PASSWORD": "s3cret-of-root"}
    manage(superuser, "createsuperuser", "--noinput", "--username", "root", "--email", "root@example.com")
    return told


def manage(environment: Mapping[str, str], *arguments: str) -> str:
    """What a command of the project prints."""
    ran = subprocess.run(
        [sys.executable, str(PROJECT / "manage.py"), *arguments],
        env={**unmeasured(), **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout


def bearer(environment: Mapping[str, str], username: str, *scopes: str) -> dict[str, str]:
    """The header of a token that the key ring of the project has signed."""
    keys = KeyRing.load(Path(environment["MYSITE_DATA"]) / "keys.json")
    token = issue(username, keys=keys, issuer="https://me.example", audience="orders", scopes=scopes)
    return {"Authorization": f"Bearer {token}"}


def test_the_settings_have_no_mistakes(environment: Mapping[str, str]) -> None:
    assert "no issues" in manage(environment, "check")


@pytest.mark.parametrize("server", SERVERS)
def test_tokens_for_the_api_and_sessions_for_the_admin(server: str, environment: Mapping[str, str]) -> None:
    reader = bearer(environment, "alice", "orders:read")
    writer = bearer(environment, "bob", "orders:read", "orders:write")
    with running(server, SERVERS[server], environment) as port:
        site = f"http://127.0.0.1:{port}"

        def status(path: str, headers: Mapping[str, str] | None = None, method: str = "GET") -> int:
            return requests.request(
                method, site + path, headers=headers, allow_redirects=False, timeout=WAIT
            ).status_code

        assert status("/health") == 200
        assert [status(path) for path in ("/orders", "/orders-later", "/api/orders/", "/nope")] == [401] * 4
        assert [status(path, reader) for path in ("/orders", "/orders-later", "/api/orders/")] == [200] * 3
        assert requests.get(f"{site}/orders", headers=reader, timeout=WAIT).json() == {"hello": "alice"}
        assert status("/orders", bearer(environment, "carol")) == 403
        assert [status("/api/orders/", caller, "POST") for caller in (reader, writer)] == [403, 201]

        with requests.Session() as browser:
            page = browser.get(f"{site}/admin/", timeout=WAIT)
            assert page.url.endswith("/admin/login/?next=/admin/")
            form = {
                "csrfmiddlewaretoken": re.findall(r'name="csrfmiddlewaretoken" value="(\w+)"', page.text)[0],
                "username": "root",
                "password": "s3cret-of-root",
                "next": "/admin/",
            }
            admin = browser.post(page.url, data=form, headers={"Referer": page.url}, timeout=WAIT)
            assert (admin.status_code, "Site administration" in admin.text) == (200, True)
            assert browser.get(f"{site}/orders", timeout=WAIT).status_code == 401  # the session is no token
            both = browser.get(f"{site}/orders", headers=reader, timeout=WAIT)
            assert both.json() == {"hello": "alice"}
            assert (
                browser.get(f"{site}/admin/", headers={"Authorization": "Bearer junk"}, timeout=WAIT).status_code == 200
            )


def test_a_websocket_of_channels_is_guarded(environment: Mapping[str, str]) -> None:
    with running("uvicorn-h11", SERVERS["uvicorn-h11"], environment) as port:
        url = f"ws://127.0.0.1:{port}/live"
        with connect(url, additional_headers=bearer(environment, "alice", "orders:read"), open_timeout=WAIT) as socket:
            assert socket.recv(timeout=WAIT) == "hello alice"
        for headers, status in (({}, 401), (bearer(environment, "carol"), 403)):
            with pytest.raises(InvalidStatus) as refused, connect(url, additional_headers=headers, open_timeout=WAIT):
                pass
            assert refused.value.response.status_code == status


@pytest.mark.parametrize("module", ["mysite.wsgi", "mysite.asgi"])
def test_the_command_lists_the_url_conf(module: str, environment: Mapping[str, str]) -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "authmw", "routes", module, "--check", "--json"],
        env={**unmeasured(), **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    routes = {f"{route['method']} {route['path']}": route["needs"] for route in json.loads(ran.stdout)["routes"]}
    assert routes["GET /orders"] == "orders:read"
    assert routes["POST /api/orders/"] == "orders:write"
    assert routes["GET /health"] == "nobody"
    assert routes.get(" /live") == ("orders:read" if module == "mysite.asgi" else None)


def test_the_command_writes_a_document(environment: Mapping[str, str]) -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "authmw", "openapi", "mysite.wsgi", "--json"],
        env={**unmeasured(), **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    paths = json.loads(ran.stdout)["paths"]
    assert paths["/api/orders/"]["post"]["security"] == [{"HTTPBearer": ["orders:write"]}]
