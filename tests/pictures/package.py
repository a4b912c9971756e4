"""The npm package ``beautiful-mermaid`` as the lock file beside pins it: drawings from their text."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from tests.npm import Package

HERE: Final = Path(__file__).resolve().parent
PACKAGE: Final = Package("beautiful-mermaid", HERE)


def render(texts: Sequence[str]) -> list[tuple[str, str]]:
    """Of each text its SVG, and its drawing in characters.

    Raises:
        RuntimeError: a text is not what Mermaid reads.
    """
    library = (PACKAGE.prepare() / "dist" / "index.js").as_uri()
    done = subprocess.run(
        ["node", HERE / "render.mjs"],
        input=json.dumps([library, list(texts)]),
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    if done.returncode != 0:
        raise RuntimeError(done.stderr)
    return [(svg, characters) for svg, characters in json.loads(done.stdout)]
