"""The npm package ``axe-core`` as the lock file beside pins it: rules of accessibility, as a script for a browser."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from tests.npm import Package

PACKAGE: Final = Package("axe-core", Path(__file__).resolve().parent)


def script() -> str:
    """The script, which makes an object ``axe``."""
    return (PACKAGE.prepare() / "axe.min.js").read_text()
