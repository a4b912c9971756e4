"""The npm package ``oidc-provider`` as the lock file beside pins it."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from tests.npm import Package

HERE: Final = Path(__file__).resolve().parent
PACKAGE: Final = Package("oidc-provider", HERE)


def prepare() -> str:
    """The URL of its module, fetched unless it was before."""
    return (PACKAGE.prepare() / "lib" / "index.js").as_uri()
