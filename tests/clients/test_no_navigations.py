"""Programs get the very bytes of a 401 that they get without a login page: curl, git, pip, Java, requests, httpx2."""

from __future__ import annotations

import os
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

import httpx2
import pytest
import requests

from tests.clients.recording import check, recording
from tests.support import require

pytestmark = pytest.mark.clients

JAVA = """
import java.net.*;
public class Fetch {
    public static void main(String[] arguments) throws Exception {
        HttpURLConnection connection = (HttpURLConnection) new URL(arguments[0]).openConnection();
        System.out.print(connection.getResponseCode());
    }
}
"""


def run(*command: str, home: Path) -> subprocess.CompletedProcess[str]:
    """What a program did that finds neither a proxy nor settings of the user."""
    kept = {name: value for name, value in os.environ.items() if "proxy" not in name.lower() and "PIP" not in name}
    told = {
        **kept,
        "HOME": str(home),
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_CONFIG_NOSYSTEM": "1",
        "PIP_CONFIG_FILE": os.devnull,
    }
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, env=told)


@pytest.mark.parametrize("options", [[], ["--head"], ["--compressed", "--data", "a=b"]])
def test_curl(tmp_path: Path, options: list[str]) -> None:
    require("curl")
    with recording() as (url, recorder):
        written = ("--silent", "--location", "--noproxy", "*", "--write-out", "%{http_code}", "--output", os.devnull)
        assert run("curl", *written, *options, f"{url}/orders", home=tmp_path).stdout == "401"
    check(recorder, "curl")


def test_git(tmp_path: Path) -> None:
    require("git")
    with recording() as (url, recorder):
        done = run("git", "-c", "http.proxy=", "ls-remote", f"{url}/shop.git", home=tmp_path)
        assert done.returncode != 0
        assert "could not read Username" in done.stderr
    check(recorder, "git")


def test_pip(tmp_path: Path) -> None:
    with recording() as (url, recorder):
        options = ("--no-input", "--disable-pip-version-check", "--no-cache-dir", "--retries", "0", "--no-deps")
        where = ("--index-url", f"{url}/simple/", "--trusted-host", "127.0.0.1", "--dest", str(tmp_path))
        done = run(sys.executable, "-m", "pip", "download", *options, *where, "shop", home=tmp_path)
        assert done.returncode != 0
    check(recorder, "pip")


def test_java(tmp_path: Path) -> None:
    require("java")
    (tmp_path / "Fetch.java").write_text(JAVA)
    with recording() as (url, recorder):
        done = run("java", str(tmp_path / "Fetch.java"), f"{url}/orders", home=tmp_path)
        assert done.stdout == "401", done.stderr
    check(recorder, "Java")


def test_clients_of_python() -> None:
    with recording() as (url, recorder):
        with requests.Session() as session:
            session.trust_env = False
            assert session.get(f"{url}/orders", timeout=10).status_code == 401
        with httpx2.Client(trust_env=False, follow_redirects=True) as client:
            assert client.get(f"{url}/orders").status_code == 401
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with pytest.raises(urllib.error.HTTPError) as raised:
            opener.open(f"{url}/orders", timeout=10)
        raised.value.close()
        assert raised.value.code == 401
    check(recorder, "python")
