"""Files of Swagger UI, in the installed package ``flask-swagger-ui``, which follows its releases.

The package is not imported; only its files are read.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Final

from authmw.errors import ConfigurationError

if TYPE_CHECKING:
    from pathlib import Path

PACKAGE: Final = "flask_swagger_ui"

FILES: Final[Mapping[str, str]] = {
    "swagger-ui-bundle.js": "text/javascript; charset=utf-8",
    "swagger-ui.css": "text/css; charset=utf-8",
    "favicon-16x16.png": "image/png",
    "favicon-32x32.png": "image/png",
}
"""Name → media type of each file that is served. Other names are not looked for on the disk."""


def directory() -> Path:
    """The directory of Swagger UI's files.

    Raises:
        ConfigurationError: the package is not installed, or lacks one of the files.
    """
    from importlib.util import find_spec
    from pathlib import Path

    spec = find_spec(PACKAGE)
    for location in (spec and spec.submodule_search_locations) or ():
        found = Path(location, "dist")
        if all((found / name).is_file() for name in FILES):
            return found
    raise ConfigurationError('the docs page needs Swagger UI\'s files: pip install "authmw[docs]"')


@cache
def read(directory: Path, name: str) -> bytes:
    """One of the `FILES`, read once."""
    return (directory / name).read_bytes()
