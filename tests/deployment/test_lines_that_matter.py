"""What happens without a line that a page of ``docs/deployment`` calls necessary: the other tests can fail."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from websockets.exceptions import InvalidHandshake

from tests.deployment import proxies
from tests.deployment.conftest import behind, in_apache
from tests.deployment.page import file_of, fitted, text_of, write
from tests.deployment.service import command_for, service_of
from tests.support import require

pytestmark = pytest.mark.clients

BALANCER = "127.0.0.2"


def _give(monkeypatch: pytest.MonkeyPatch, site: str) -> None:
    """Let the proxy have `site` for its file."""

    def file_of(page: str, title: str) -> str:
        return site

    monkeypatch.setattr(proxies, "file_of", file_of)


def _block(begin: str) -> str:
    """The block of the page of nginx that has these words."""
    found: str
    (found,) = [each for each in re.findall(r"```nginx\n(.*?)```", text_of("nginx"), re.DOTALL) if begin in each]
    return found


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


@pytest.mark.parametrize("switched_off", [False, True])
def test_nginx_keeps_events_back_until_that_is_switched_off(
    switched_off: bool, tmp_path: Path, template: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    require("nginx")
    site = file_of("nginx", "shop.conf")
    if switched_off:
        site = fitted(site, {"    location / {": f"{_block('location /events')}\n    location / {{"})
    _give(monkeypatch, site)
    service = service_of("uvicorn", tmp_path, template)
    program = fitted(file_of("uvicorn", "shop.py"), {', headers={"X-Accel-Buffering": "no"}': ""})
    write(tmp_path, "shop.py", program)
    (tmp_path / "proxy").mkdir()
    with service.serving(command_for("uvicorn")) as server, proxies.nginx(tmp_path / "proxy", server.port) as (it, _):
        token = it.bearer()
        if switched_off:
            assert b"data: tick" in it.first_part("/events", [token])
        else:
            with pytest.raises(TimeoutError):
                it.first_part("/events", [token], seconds=3)


def test_behind_a_balancer_nginx_takes_its_word_and_nobody_elses(
    tmp_path: Path, template: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = fitted(_block("set_real_ip_from"), {"10.0.0.0/24": BALANCER})
    site = fitted(file_of("nginx", "shop.conf"), {"    location / {": f"{real}\n    location / {{"})
    _give(monkeypatch, site)
    with behind("nginx", "uvicorn", tmp_path, template) as chain:
        assert chain.client.at(BALANCER).guesses(12) == [401] * 12
        assert chain.client.at("127.0.0.3").guesses(12) == [401] * 10 + [429] * 2


def test_behind_a_balancer_caddy_takes_its_word_and_nobody_elses(
    tmp_path: Path, template: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (line,) = re.findall(r"^\ttrusted_proxies .+$", text_of("caddy"), re.MULTILINE)
    line = fitted(line, {"10.0.0.0/24": f"{BALANCER}/32"})
    site = fitted(
        file_of("caddy", "Caddyfile"), {"\t\theader_up -Forwarded\n": f"\t\theader_up -Forwarded\n\t{line}\n"}
    )
    _give(monkeypatch, site)
    proxies.program("caddy")
    service = service_of("uvicorn", tmp_path, template)
    both = fitted(
        command_for("uvicorn"), {"--forwarded-allow-ips 127.0.0.1": f"--forwarded-allow-ips 127.0.0.1,{BALANCER}"}
    )
    (tmp_path / "proxy").mkdir()
    with service.serving(both) as server, proxies.caddy(tmp_path / "proxy", server.port) as (client, _):
        assert client.at(BALANCER).guesses(12) == [401] * 12
        assert client.at("127.0.0.3").guesses(12) == [401] * 10 + [429] * 2


def test_without_its_line_caddy_lets_clients_of_granian_choose_their_address(tmp_path: Path, template: Path) -> None:
    with behind("caddy", "granian-wsgi", tmp_path, template, without="\t\theader_up -X_Forwarded_For\n") as chain:
        statuses = chain.client.at("127.0.0.2").guesses(40)
    assert statuses.count(401) > 10  # Caddy sends headers in no fixed order, and the last of the two counts


def test_without_its_line_apache_keeps_the_token(template: Path) -> None:
    with in_apache(template, without="    WSGIPassAuthorization On\n") as chain:
        refused = chain.client.ask("/orders", [chain.bearer])
    assert (refused.status, json.loads(refused.body)["code"]) == (401, "authmw.credentials-missing")
