"""``authmw doctor`` in production: it asks the public URL, through nginx, and finds what the first page shows."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from tests.deployment import proxies
from tests.deployment.page import text_of
from tests.deployment.service import Service, command_for, service_of
from tests.support import require

pytestmark = pytest.mark.clients

_FINDING = re.compile(r"^(ok|-|WRONG) +(\w+)  ", re.MULTILINE)


def _service_at(port: int, folder: Path, template: Path) -> Service:
    """A service whose public URL is this machine's."""
    service = service_of("uvicorn", folder, template)
    changed = {"AUTHMW_ISSUER": f"https://localhost:{port}/auth", "SSL_CERT_FILE": f"{folder}/proxy/fullchain.pem"}
    return replace(service, environment={**service.environment, **changed})


def test_the_doctor_finds_what_the_page_shows(tmp_path: Path, template: Path) -> None:
    require("nginx")
    port = proxies.free_port()
    service = _service_at(port, tmp_path, template)
    (tmp_path / "proxy").mkdir()
    with (
        service.serving(command_for("uvicorn")) as server,
        proxies.nginx(tmp_path / "proxy", server.port, host="localhost", port=port),
    ):
        printed = service.run("doctor", "shop:app")
    shown = text_of("index").partition("$ authmw doctor shop:app\n")[2].partition("```")[0]
    # How long a hash takes depends on the machine, and decides whether that is fine.
    assert [each for each in _FINDING.findall(printed) if each[1] != "hash"] == [
        each for each in _FINDING.findall(shown) if each[1] != "hash"
    ]
    assert printed.endswith("Nothing is wrong.\n")


def test_the_doctor_says_that_the_public_url_leads_nowhere(tmp_path: Path, template: Path) -> None:
    service = _service_at(proxies.free_port(), tmp_path, template)
    assert re.search(r"^WRONG +metadata ", service.run("doctor", "shop:app", status=1), re.MULTILINE)


def test_the_doctor_says_where_proxy_fix_stands(tmp_path: Path, template: Path) -> None:
    service = service_of("gunicorn", tmp_path, template)
    (line,) = [each for each in text_of("gunicorn").splitlines() if each.startswith("ok  proxy")]
    printed = service.run("doctor", "shop:app", status=1)  # there is no shop.example
    assert re.sub(" +", " ", line) in re.sub(" +", " ", printed)
    program = tmp_path / "shop.py"
    guard = 'LocalAuth(app, public=["/health"])\n'
    program.write_text(
        program.read_text().replace(guard, "").replace('@app.get("/health")', f'{guard}\n\n@app.get("/health")')
    )
    assert "stands inside of the guard" in service.run("doctor", "shop:app", status=1)
