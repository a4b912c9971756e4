"""For every test: nothing of the machine's own configuration reaches it."""

from __future__ import annotations

import os

import pytest


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("AUTHMW_")]:
        monkeypatch.delenv(name)
