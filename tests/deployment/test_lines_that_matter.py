"""What happens without a line that a page of ``docs/deployment`` calls necessary: the other tests can fail."""

from __future__ import annotations

from pathlib import Path

import pytest
from websockets.exceptions import InvalidHandshake

from tests.deployment import proxies
from tests.deployment.conftest import behind, in_apache
from tests.deployment.page import file_of, fitted, write
from tests.deployment.service import command_for, service_of
from tests.support import require

pytestmark = pytest.mark.clients


def test_without_its_line_nginx_lets_clients_choose_their_address(tmp_path: Path, template: Path) -> None:
    line = "    proxy_set_header X-Forwarded-For    $remote_addr;\n"
    with behind("nginx", "uvicorn", tmp_path, template, without=line) as chain:
        assert chain.client.at("127.0.0.2").guesses(12) == [401] * 12


def test_without_its_line_nginx_opens_no_websocket(tmp_path: Path, template: Path) -> None:
    line = "    proxy_set_header Upgrade            $http_upgrade;\n"
    with (
        behind("nginx", "uvicorn", tmp_path, template, without=line) as chain,
        pytest.raises(InvalidHandshake),
        chain.client.websocket("/live", [chain.bearer]),
    ):
        pass


def test_without_the_header_of_the_program_nginx_keeps_events_back(tmp_path: Path, template: Path) -> None:
    service = service_of("uvicorn", tmp_path, template)
    program = fitted(file_of("uvicorn", "shop.py"), {', headers={"X-Accel-Buffering": "no"}': ""})
    write(tmp_path, "shop.py", program)
    require("nginx")
    (tmp_path / "proxy").mkdir()
    with service.serving(command_for("uvicorn")) as server, proxies.nginx(tmp_path / "proxy", server.port) as (it, _):
        token = it.bearer()
        with pytest.raises(TimeoutError):
            it.first_part("/events", [token], seconds=3)


def test_without_its_line_caddy_lets_clients_of_granian_choose_their_address(tmp_path: Path, template: Path) -> None:
    with behind("caddy", "granian-wsgi", tmp_path, template, without="\t\theader_up -X_Forwarded_For\n") as chain:
        statuses = chain.client.at("127.0.0.2").guesses(40)
    assert statuses.count(401) > 10  # Caddy sends headers in no fixed order, and the last of the two counts


def test_without_its_line_apache_keeps_the_token(template: Path) -> None:
    with in_apache(template, without="    WSGIPassAuthorization On\n") as chain:
        assert chain.client.ask("/orders", [chain.bearer]).status == 401
