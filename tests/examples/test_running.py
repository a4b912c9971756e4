"""Each ASGI example and each framework's starts by itself, on loopback and on the port it is told, and is guarded."""

from __future__ import annotations

from pathlib import Path

import pytest

from authmw.crypto.keyring import KeyRing
from tests.examples.running import get, running

FRAMEWORKS = ["falcon", "litestar", "quart"]
EXAMPLES = ["asgi_app", "starlette_app", "fastapi_app", *(f"frameworks/{each}_app" for each in FRAMEWORKS)]


@pytest.mark.servers
@pytest.mark.parametrize("example", EXAMPLES)
def test_it_starts_by_itself_and_is_guarded(example: str, tmp_path: Path) -> None:
    KeyRing.generate().save(tmp_path / "keys.json")
    with running(f"{example}.py", tmp_path) as (port, _):
        status, problem = get(port, "/orders")
    assert (status, problem["code"]) == (401, "authmw.credentials-missing")
