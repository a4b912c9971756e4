"""Servers started as their pages say: whose word about the address of a client they take."""

from __future__ import annotations

import configparser
import re
import shlex
from importlib.util import find_spec
from pathlib import Path
from typing import Final

import pytest

from tests.deployment.client import Client
from tests.deployment.page import command_of, file_of
from tests.deployment.service import command_for, service_of
from tests.servers.running import Server

pytestmark = pytest.mark.servers

BELIEVE_THE_PROXY: Final = ("uvicorn", "granian-asgi", "granian-wsgi", "waitress")
BELIEVE_EVERYBODY: Final = ("gunicorn", "hypercorn")
COUNTED: Final = [401] * 10 + [429] * 2
"""Ten wrong secrets of one address are looked at, and no more."""


def _sources(server: Server) -> set[str]:
    """The addresses in the log."""
    return set(re.findall(r"\bsource[ =]([0-9.]+)", server.output()))


@pytest.mark.parametrize("name", [*BELIEVE_THE_PROXY, *BELIEVE_EVERYBODY])
def test_the_address_that_the_proxy_names_counts_and_is_logged(name: str, tmp_path: Path, template: Path) -> None:
    if find_spec(name.partition("-")[0]) is None:
        pytest.skip(f"{name} is not installed")
    service = service_of(name, tmp_path, template)
    with service.serving(command_for(name)) as server:
        proxy, stranger = Client(server.port, None), Client(server.port, None, "127.0.0.2")
        assert proxy.ask("/health").body == b"alive"
        assert proxy.ask("/orders").status == 401
        assert proxy.guesses(3) == [401] * 3
        assert {f"198.51.100.{number}" for number in range(3)} <= _sources(server)
        believed = [401] * 12 if name in BELIEVE_EVERYBODY else COUNTED
        assert stranger.guesses(12) == believed
        assert ("127.0.0.2" in _sources(server)) is (name not in BELIEVE_EVERYBODY)


def test_gunicorn_takes_no_prefix_from_a_header(tmp_path: Path, template: Path) -> None:
    service = service_of("gunicorn", tmp_path, template)
    asked = ("/health/health", [("SCRIPT_NAME", "/health")])
    with service.serving(command_for("gunicorn")) as server:
        assert Client(server.port, None).ask(*asked).status == 401
    conf = tmp_path / "gunicorn.conf.py"
    conf.write_text(conf.read_text().replace('forwarder_headers = ""\n', ""))
    with service.serving(command_for("gunicorn")) as server:
        assert Client(server.port, None).ask(*asked).status == 200


@pytest.mark.parametrize("page", ["gunicorn", "uvicorn"])
def test_the_unit_starts_what_the_page_starts(page: str) -> None:
    unit = configparser.ConfigParser(interpolation=None)
    unit.optionxform = str  # type: ignore[assignment,method-assign]
    unit.read_string(file_of(page, "shop.service"))
    program, *arguments = shlex.split(unit["Service"]["ExecStart"])
    assert [Path(program).name, *arguments] == command_of(page, page)
    assert unit["Service"]["EnvironmentFile"] == "/etc/shop/shop.env"
    assert program.startswith(unit["Service"]["WorkingDirectory"])
