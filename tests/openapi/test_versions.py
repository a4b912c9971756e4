"""Which documents can be written into is told by the version they say they are of."""

from __future__ import annotations

from typing import Any

import pytest

from authmw import ConfigurationError
from authmw.openapi.securing import version_of


@pytest.mark.parametrize(
    "said, version",
    [
        ({"openapi": "3.1.0"}, "3.1"),
        ({"openapi": "3.1.1"}, "3.1"),
        ({"openapi": "3.0.0"}, "3.0"),
        ({"openapi": "3.0.4"}, "3.0"),
        ({"openapi": 3.1}, "3.1"),
        ({"swagger": "2.0"}, "2.0"),
        ({"swagger": 2.0}, "2.0"),
    ],
)
def test_a_document_says_its_version(said: dict[str, Any], version: str) -> None:
    assert version_of(said) == version


@pytest.mark.parametrize(
    "said", [{}, {"openapi": "3.2.0"}, {"openapi": "3.10.0"}, {"openapi": "4"}, {"swagger": "1.2"}, {"openapi": None}]
)
def test_a_document_of_another_version_is_refused_in_a_sentence(said: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match=r"3\.1, 3\.0 or Swagger 2\.0 is needed"):
        version_of(said)
