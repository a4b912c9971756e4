"""A database without the tables is answered with the command to run, and then it works."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import uuid4

import pytest
from authmw_sqlalchemy import SQLStores
from click.testing import CliRunner

from authmw import AuthmwError
from authmw.cli.root import group
from tests.adapters.sqlalchemy.databases import drop_schema, make_schema
from tests.support import require

pytestmark = pytest.mark.servers


@pytest.fixture
def url() -> Iterator[str]:
    """The URL of a schema of PostgreSQL without any tables."""
    require("postgresql")
    name = f"test_{uuid4().hex[:12]}"
    yield make_schema(name, tables=False).render_as_string(hide_password=False)
    drop_schema(name)


def test_a_database_that_is_not_migrated_says_what_to_run(url: str) -> None:
    stores = SQLStores(url)
    with pytest.raises(AuthmwError, match="authmw db upgrade"):
        stores.users.find("alice")
    stores.close()
    run = CliRunner().invoke(group, ["db", "upgrade", "--database", url], catch_exceptions=False)
    assert run.exit_code == 0, run.output
    stores = SQLStores(url)
    assert stores.users.find("alice") is None
    stores.close()
