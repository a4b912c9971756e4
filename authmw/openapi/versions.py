"""The versions of the OpenAPI Specification that are written."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Literal

from authmw.errors import ConfigurationError

Version = Literal["2.0", "3.0", "3.1"]
"""2.0 is Swagger's, which some generators still write. It has no bearer tokens: they become API keys."""

WRITTEN_AS: Final[Mapping[str, str]] = {"3.0": "3.0.4", "3.1": "3.1.1"}
"""What stands in a new document of each version."""


def version_of(document: Mapping[str, Any]) -> Version:
    """The version that `document` says it is of.

    Raises:
        ConfigurationError: it is of none that is written here.

    >>> version_of({"openapi": "3.1.0"})
    '3.1'
    """
    said = str(document.get("openapi") or document.get("swagger") or "")
    for version in ("3.1", "3.0", "2.0"):
        if said == version or said.startswith(f"{version}."):
            return version
    raise ConfigurationError(
        f"a document of OpenAPI 3.1, 3.0 or Swagger 2.0 is needed, and this is {said or 'neither'}"
    )
