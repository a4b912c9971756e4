"""Builds the docs into docs/site, strictly: the reference, the pages, the index of the search, and the Markdown."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import markdown_site
import reference
import search_index

HERE = Path(__file__).resolve().parent
DOCS = HERE.parent / "docs"
SITE = DOCS / "site"
_NOT_SERVED = ("zensical.toml",)


def build() -> int:
    """Build all of it; what Zensical returned."""
    for old in (SITE, DOCS / ".cache"):
        shutil.rmtree(old, ignore_errors=True)
    reference.write()
    # Its configuration names functions of this folder.
    command = [sys.executable, "-m", "zensical", "build", "--clean", "--strict", "-f", str(DOCS / "zensical.toml")]
    status = subprocess.run(command, env={**os.environ, "PYTHONPATH": str(HERE)}, check=False).returncode  # noqa: S603
    if status == 0:
        finish()
    return status


def finish() -> None:
    """What Zensical does not do."""
    for name in _NOT_SERVED:
        (SITE / name).unlink()
    search_index.rewrite(SITE, search_index.tasks(DOCS))
    settings = tomllib.loads((DOCS / "zensical.toml").read_text())["project"]
    markdown_site.write(DOCS, SITE, settings["site_name"], settings["site_description"])


if __name__ == "__main__":
    sys.exit(build())
