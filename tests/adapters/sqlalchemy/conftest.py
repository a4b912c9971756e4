"""Empty databases, of each kind that there is."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import URL, make_url

from tests.adapters.patience import patience
from tests.adapters.sqlalchemy.databases import drop_schema, make_schema
from tests.support import require


@pytest.fixture(autouse=True)
def patient() -> Iterator[None]:
    with patience():
        yield


@pytest.fixture
def namespace() -> Iterator[str]:
    """A schema of PostgreSQL that is dropped in the end."""
    require("postgresql")
    name = f"test_{uuid4().hex[:12]}"
    yield name
    drop_schema(name)


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.servers)])
def empty(request: pytest.FixtureRequest, tmp_path: Path) -> URL:
    """The URL of a database without any tables."""
    if request.param == "sqlite":
        return make_url(f"sqlite:///{tmp_path / 'app.db'}")
    return make_schema(request.getfixturevalue("namespace"), tables=False)


@pytest.fixture
def postgres(namespace: str) -> URL:
    """The URL of a schema with our tables."""
    return make_schema(namespace)
