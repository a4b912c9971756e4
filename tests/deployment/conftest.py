"""Services behind proxies that run until the session ends: one of each pair, for all tests that talk to it."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Generator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

import pytest

from tests.deployment import proxies
from tests.deployment.client import Client
from tests.deployment.page import file_of, fitted, write
from tests.deployment.service import Service, command_for, prepare, service_of, settings_in
from tests.support import require


@dataclass(frozen=True)
class Chain:
    """A proxy with a service behind it.

    Args:
        client: asks the proxy by HTTPS.
        service: what is behind it.
        plain: asks the proxy by HTTP; None where it does not listen for that.
    """

    client: Client
    service: Service
    plain: Client | None = None

    @cached_property
    def bearer(self) -> tuple[str, str]:
        """The header ``Authorization`` with an access token of ``alice``, who logs in through the proxy."""
        return self.client.bearer()


Deploy = Callable[[str], Chain]
"""Called with a proxy and a server, as ``nginx uvicorn``, or with ``apache mod_wsgi``."""


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with the keys and the database that each service gets a copy of."""
    folder = tmp_path_factory.mktemp("template")
    prepare(Service(folder, settings_in(folder)))
    return folder


@pytest.fixture(scope="session")
def deploy(tmp_path_factory: pytest.TempPathFactory, template: Path) -> Generator[Deploy]:
    """Start a proxy and a service the first time that they are asked for."""
    with ExitStack() as stack:

        @cache
        def chain(name: str) -> Chain:
            proxy, server = name.split()
            if proxy == "apache":
                return stack.enter_context(in_apache(template))
            return stack.enter_context(behind(proxy, server, tmp_path_factory.mktemp(proxy), template))

        yield chain


@contextmanager
def behind(proxy: str, server: str, folder: Path, template: Path, without: str = "") -> Generator[Chain]:
    """A service behind nginx or Caddy, until the block ends.

    Args:
        proxy: its name.
        server: the name of the server.
        folder: for all files.
        template: the fixture of this name.
        without: a line of the proxy's page to leave out.
    """
    if proxy == "nginx":
        require("nginx")
    proxies.program(proxy)
    service = service_of(server, folder, template)
    start = {"nginx": proxies.nginx, "caddy": proxies.caddy}[proxy]
    (folder / "proxy").mkdir()
    with (
        service.serving(command_for(server)) as upstream,
        start(folder / "proxy", upstream.port, without) as (client, plain),
    ):
        yield Chain(client, service, plain)


@contextmanager
def in_apache(template: Path, without: str = "") -> Generator[Chain]:
    """The service of the page about mod_wsgi, in Apache, until the block ends. The arguments are those of `behind`."""
    proxies.program("apache2")
    proxies.apache_modules()
    with tempfile.TemporaryDirectory() as name:  # that of pytest is closed to Apache's user
        folder = Path(name)
        folder.chmod(0o755)
        service = service_of("mod_wsgi", folder, template)
        settings = {key: value for key, value in service.environment.items() if key != "AUTHMW_ENV"}
        lines = [f'{key.removeprefix("AUTHMW_").lower()} = "{value}"' for key, value in settings.items()]
        script = fitted(file_of("mod-wsgi", "shop.wsgi"), {"/etc/shop/authmw.toml": f"{folder}/authmw.toml"})
        write(folder, "authmw.toml", "\n".join(lines))
        write(folder, "shop.wsgi", script)
        (folder / "proxy").mkdir()
        with proxies.apache(folder / "proxy", folder, without) as client:
            yield Chain(client, service)
