"""The plugin of pytest: it is inert until a fixture is asked for, and nothing of it is there outside of a test."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from authmw_flask import FlaskAuth
from flask import Flask

from authmw import Auth, ConfigurationError, HTTPBearer, Principal, current_principal
from authmw.engine.remembered import Memo
from authmw.testing import AsUser, Caller
from authmw.testing.acting import Stage
from authmw.testing.clients import HEADER
from tests.support import ROOT, fresh_python

APP = """
from authmw import Auth, HTTPBearer, current_principal
from authmw_flask import FlaskAuth
from flask import Flask

LIMIT = 3


def create_app():
    app = Flask("shop", static_folder=None)
    FlaskAuth(app, Auth(HTTPBearer({}.get)))
    app.add_url_rule("/me", "me", lambda: current_principal().id)
    return app
"""
TEST = """
def test_me(as_user):
    import shop
    with as_user("alice"):
        assert shop.create_app().test_client().get("/me").text == "alice"
"""


def ran(folder: Path, *arguments: str, **environ: str) -> str:
    """What pytest prints in a process of its own, in a folder where nothing is configured."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("COV", "PYTEST"))}
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", ".", *arguments],
        cwd=folder,
        env={**clean, **environ},
        capture_output=True,
        text=True,
        check=False,
    ).stdout


@pytest.mark.slow
def test_loading_it_imports_as_little_of_authmw_as_import_authmw_and_no_application() -> None:
    code = (
        "import sys; import authmw; few = set(sys.modules); import pytest; before = set(sys.modules); "
        "import authmw.testing.plugin; print(sorted(set(sys.modules) - before))"
    )
    loaded = fresh_python("-c", code)
    assert loaded.stdout == "['authmw.testing', 'authmw.testing.plugin']\n", loaded.stderr


@pytest.mark.slow
def test_coverage_measures_an_application_from_its_first_line(tmp_path: Path) -> None:
    (tmp_path / "shop.py").write_text(APP)
    (tmp_path / "test_shop.py").write_text(TEST)
    (tmp_path / "pytest.ini").write_text("[pytest]\nfilterwarnings = error\n")
    printed = ran(tmp_path, "--cov=shop", "--cov=authmw.engine", "--cov-report=term-missing")
    assert "1 passed" in printed, printed
    assert "warning" not in printed.lower()
    line = next(line for line in printed.splitlines() if line.startswith("shop.py"))
    assert line.split()[-1] == "100%", line
    # The engine is loaded by the application, and not by the plugin: its first lines are measured too.
    engine = next(line for line in printed.splitlines() if "engine/auth.py" in line)
    assert int(engine.split("%")[1].split("-")[0].split(",")[0]) > 60, engine


@pytest.mark.slow
def test_without_a_fixture_nothing_is_imported_and_without_the_plugin_there_are_none(tmp_path: Path) -> None:
    (tmp_path / "test_other.py").write_text(
        "import sys\n\n\ndef test_it():\n    assert [m for m in sys.modules if m.startswith('authmw.engine')] == []\n"
    )
    assert "1 passed" in ran(tmp_path)
    (tmp_path / "test_other.py").write_text(TEST)
    assert "fixture 'as_user' not found" in ran(tmp_path, "-p", "no:authmw")


@pytest.mark.slow
def test_a_fixture_of_ones_own_takes_the_place_of_one_of_these(tmp_path: Path) -> None:
    (tmp_path / "conftest.py").write_text("import pytest\n\n\n@pytest.fixture\ndef clock():\n    return 'mine'\n")
    (tmp_path / "test_clock.py").write_text("def test_it(clock):\n    assert clock == 'mine'\n")
    assert "1 passed" in ran(tmp_path)


@pytest.mark.slow
def test_in_production_the_fixtures_refuse(tmp_path: Path) -> None:
    (tmp_path / "shop.py").write_text(APP)
    (tmp_path / "test_shop.py").write_text(TEST)
    assert "AUTHMW_ENV is production, where the test kit replaces nothing" in ran(tmp_path, AUTHMW_ENV="production")


@pytest.mark.slow
def test_a_fixture_client_that_is_missing_is_told(tmp_path: Path) -> None:
    (tmp_path / "test_it.py").write_text("def test_it(as_user):\n    as_user('alice').get('/')\n")
    assert "make one that returns TestClient(app)" in ran(tmp_path)
    (tmp_path / "conftest.py").write_text(
        "import pytest\nfrom shop import create_app\n\n\n@pytest.fixture\ndef app():\n    return create_app()\n"
    )
    (tmp_path / "shop.py").write_text(APP)
    (tmp_path / "test_it.py").write_text(
        "def test_it(as_user):\n    assert as_user('alice').get('/me').text == 'alice'\n"
    )
    assert "1 passed" in ran(tmp_path)
    # An error inside of the fixture is that error.
    (tmp_path / "conftest.py").write_text(
        "import pytest\n\n\n@pytest.fixture\ndef client(nothing):\n    return nothing\n"
    )
    assert "fixture 'nothing' not found" in ran(tmp_path)


# Nothing of it is reachable in production.


def imported(path: Path) -> set[str]:
    tree = ast.walk(ast.parse(path.read_text()))
    return {
        name
        for node in tree
        for name in (
            [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else [each.name for each in node.names]
            if isinstance(node, ast.Import)
            else []
        )
    }


def test_no_module_that_serves_requests_knows_of_the_kit() -> None:
    sources = [*ROOT.glob("authmw/**/*.py"), *ROOT.glob("adapters/**/*.py")]
    served = [path for path in sources if not path.is_relative_to(ROOT / "authmw" / "testing")]
    assert len(served) > 200
    assert [path for path in served if any(name.startswith("authmw.testing") for name in imported(path))] == []
    assert [path for path in served if HEADER in path.read_text().lower()] == []


NOBODY: dict[str, Principal] = {}


def client() -> Any:
    app = Flask("shop", static_folder=None)
    FlaskAuth(app, Auth(HTTPBearer(NOBODY.get)))
    app.add_url_rule("/me", "me", lambda: current_principal().id)
    return app.test_client()


def test_after_the_test_a_caller_is_nobody_by_its_block_and_by_its_token() -> None:
    served, methods = client(), (Auth.authenticate, Auth.authenticate_async, Memo.get)
    stage = Stage(lambda: served)
    with pytest.MonkeyPatch.context() as patch:
        stage.set(patch)
        alice = AsUser(stage)("alice")
        assert served.get("/me", headers={HEADER: alice.token}).text == "alice"
        assert served.get("/me", headers={HEADER: alice.token[:-1]}).status_code == 401
        assert Auth.authenticate is not methods[0]
    assert (Auth.authenticate, Auth.authenticate_async, Memo.get) == methods
    assert "get" not in vars(Memo)
    with alice:
        assert served.get("/me").status_code == 401
        assert served.get("/me", headers={HEADER: alice.token}).status_code == 401
        assert alice.get("/me").status_code == 401


def test_a_caller_of_one_test_is_nobody_in_another(as_user: AsUser, anonymous: Caller) -> None:
    stranger = Stage(client).caller(as_user("mallory").principal)
    assert client().get("/me", headers={HEADER: stranger.token}).status_code == 401
    assert stranger.token != anonymous.token


def test_the_stage_is_set_only_in_a_test(monkeypatch: pytest.MonkeyPatch) -> None:
    before = Auth.authenticate
    with pytest.MonkeyPatch.context() as patch:
        monkeypatch.delenv("PYTEST_CURRENT_TEST")
        with pytest.raises(ConfigurationError, match="outside of a test"):
            Stage(client).set(patch)
        monkeypatch.setenv("PYTEST_CURRENT_TEST", "a test")
        monkeypatch.setenv("AUTHMW_ENV", "production")
        with pytest.raises(ConfigurationError, match="production"):
            Stage(client).set(patch)
        assert Auth.authenticate is before


@pytest.mark.slow
def test_in_a_program_without_pytest_the_header_means_nothing() -> None:
    code = (
        f"import sys\nexec({APP!r})\nclient = create_app().test_client()\n"
        f"from authmw.testing import Caller\nfrom authmw import Principal\n"
        f"alice = Caller(Principal('alice'), lambda: client)\n"
        f"with alice: print(client.get('/me', headers={{{HEADER!r}: alice.token}}).status_code)\n"
        "print(alice.get('/me').status_code, 'pytest' in sys.modules)"
    )
    served = fresh_python("-c", code)
    assert served.stdout == "401\n401 False\n", served.stderr
