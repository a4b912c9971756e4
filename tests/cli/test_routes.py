"""``authmw routes``: the whole table, and with ``--check`` exactly what was forgotten."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from authmw.engine.routes.route import Kind, Protection
from tests.cli.written_app import FLASK, STARLETTE, forgotten_afterwards, write

Run = Callable[..., Result]
Document = Callable[..., dict[str, Any]]


@pytest.fixture(autouse=True)
def shops() -> Iterator[None]:
    with forgotten_afterwards():
        write("shop", FLASK)
        write("live", STARLETTE)
        yield


def named(result: Result) -> list[str]:
    """What standard error has a sentence about."""
    return [" ".join(line.split()[:2]) for line in result.stderr.splitlines()]


def test_every_route_is_in_an_aligned_table(run: Run) -> None:
    listed = run("routes", "shop:app")
    assert listed.exit_code == 0
    lines = listed.stdout.splitlines()
    columns = [lines[0].index(title) for title in lines[0].split()]
    cells = [
        [line[start:end].strip() for start, end in zip(columns, [*columns[1:], None], strict=True)] for line in lines
    ]
    assert cells[0] == ["METHOD", "PATH", "NEEDS", "PROTECTION", "ENDPOINT", "PLACE"]
    table = {(row[0], row[1]): row[2:] for row in cells[1:]}
    assert table["GET", "/orders/{number}"][:3] == ["orders:read", "declared", "order"]
    assert table["GET", "/health"][:3] == ["nobody", "public", "health"]
    assert table["GET", "/forgotten"][:3] == ["-", "UNPROTECTED", "forgotten"]
    assert all(row[3].startswith("shop.py:") for route, row in table.items() if route[0] != "MOUNT")


@pytest.mark.parametrize(
    "application, expected",
    [
        # Behind FlaskAuth the order of decorators opens nothing.
        ("shop:app", {"GET /forgotten", "MOUNT /admin/*"}),
        ("shop:bare", {"GET /forgotten", "POST /orders", "MOUNT /admin/*"}),
        ("live:app", {"GET /forgotten", "GET /misplaced", "WEBSOCKET /live", "MOUNT /admin/*"}),
        # Starlette stops at start-up for what is misplaced, though nobody gets in.
        ("live:denying", {"GET /misplaced"}),
    ],
)
def test_check_names_exactly_what_is_open_and_fails(run: Run, application: str, expected: set[str]) -> None:
    checked = run("routes", application, "--check")
    assert checked.exit_code == 1
    assert sorted(named(checked)) == sorted(expected)
    marked = {
        " ".join(line.split()[:2])
        for line in checked.stdout.splitlines()
        if "UNPROTECTED" in line or "MISPLACED" in line
    }
    assert marked == expected


def test_each_sentence_says_where_it_is_and_what_to_do(run: Run) -> None:
    [forgotten, misplaced, live, admin] = run("routes", "live:app", "--check").stderr.splitlines()
    assert forgotten.startswith("GET /forgotten (live.py:")
    assert '@public or public=["GET /forgotten"]' in forgotten
    assert "write @requires_scopes next to the function" in misplaced
    assert '@public or public=["/live"]' in live
    assert 'AuthMiddleware, or name it in public=["/admin/*"]' in admin


def test_without_check_what_is_open_is_told_and_it_is_no_failure(run: Run) -> None:
    listed = run("routes", "live:app")
    assert (listed.exit_code, len(named(listed))) == (0, 4)


def test_check_is_content_with_an_application_that_denies_by_default(run: Run) -> None:
    write("closed", "from shop import *\napp = Flask('closed')\nFlaskAuth(app, Auth(HTTPBearer(nobody)))\n")
    checked = run("routes", "closed:app", "--check")
    assert (checked.exit_code, checked.stderr) == (0, "")
    assert "default" in checked.stdout


def test_check_names_a_scope_that_is_not_declared_and_fails(run: Run) -> None:
    write(
        "misspelt",
        "from shop import *\napp = Flask('misspelt')\n"
        "FlaskAuth(app, Auth(HTTPBearer(nobody), scopes={'orders:read': 'See orders'}))\n"
        "app.add_url_rule('/a', 'a', requires_scopes('order:read')(lambda: 'a'))\n"
        "app.add_url_rule('/b', 'b', requires_scopes('orders:read')(lambda: 'b'))\n",
    )
    checked = run("routes", "misspelt:app", "--check")
    assert (checked.exit_code, named(checked)) == (1, ["GET /a"])
    assert checked.stderr.endswith('needs "order:read", which is not in Auth(scopes=...): write "orders:read".\n')
    assert run("routes", "misspelt:app").exit_code == 0


def test_a_middleware_around_the_application_protects_it(run: Run) -> None:
    # The plain middleware knows no routes, and what is misplaced is misplaced.
    assert named(run("routes", "live:outside", "--check")) == ["GET /misplaced"]
    write(
        "around",
        "from shop import *\nfrom authmw.wsgi import AuthMiddleware\n"
        "app = AuthMiddleware(create_app(False).wsgi_app, Auth(HTTPBearer(nobody)))\n",
    )
    assert named(run("routes", "around:app", "--check")) == ["POST /orders"]


def test_json_has_every_route_and_whether_it_is_open(run: Run, document: Document) -> None:
    routes = {f"{route['method']} {route['path']}": route for route in document("routes", "shop:app")["routes"]}
    order = routes["GET /orders/{number}"]
    assert order["place"].startswith("shop.py:")
    del order["place"]
    assert order == {
        "method": "GET",
        "path": "/orders/{number}",
        "kind": "http",
        "needs": "orders:read",
        "scopes": ["orders:read"],
        "protection": "declared",
        "endpoint": "order",
        "open": False,
    }
    assert [name for name, route in routes.items() if route["open"]] == ["GET /forgotten", " /admin/*"]
    checked = run("routes", "shop:app", "--check", "--json")
    assert (checked.exit_code, len(json.loads(checked.stdout)["routes"])) == (1, len(routes))


def test_the_words_of_the_document_stay() -> None:
    assert [each.value for each in Kind] == ["http", "websocket", "mount", "pattern"]
    kept = ["declared", "rule", "default", "public", "left alone"]
    wrong = ["contradicted", "unreachable", "unprotected", "misplaced"]
    assert [each.value for each in Protection] == kept + wrong


@pytest.mark.parametrize(
    "application",
    ["shop:app", "shop:create_app()", "package.module:namespace.app", "package.module:make.app()", "package.wsgi"],
)
def test_an_application_is_named_in_every_usual_way(run: Run, application: str) -> None:
    Path("package").mkdir()
    Path("package/__init__.py").touch()
    Path("package/module.py").write_text(
        "from types import SimpleNamespace\nfrom shop import app, create_app\n"
        "namespace = SimpleNamespace(app=app)\nmake = SimpleNamespace(app=create_app)\n"
    )
    Path("package/wsgi.py").write_text("from shop import app as application\n")
    listed = run("routes", application)
    assert (listed.exit_code, "/orders/{number}" in listed.stdout) == (0, True)


def test_what_a_module_prints_is_not_mixed_with_the_output(run: Run) -> None:
    write("loud", "print('hello')\nfrom shop import app\n")
    listed = run("routes", "loud:app", "--json")
    assert json.loads(listed.stdout)["routes"]
    assert "hello" in listed.stderr


MISTAKES: dict[str, tuple[list[str], str]] = {
    "no name": ([], "name the application: write shop:app"),
    "no colon": (["shop"], "'shop' names no application: write shop:app"),
    "no module": (["nope:app"], "there is no module nope"),
    "no module in a package": (["nope.nor:app"], "there is no module nope.nor"),
    "no module in a module": (["shop.nope:app"], "there is no module shop.nope"),
    "no attribute": (["shop:nope"], "shop has no nope: write shop:app or shop:bare or shop:create_app()"),
    "no attribute below": (["shop:app.nope"], "shop has no app.nope: write shop:app or shop:bare or shop:create_app()"),
    "no attribute, and no application": (["wrong:nope"], "wrong has no nope\n"),
    "a factory that is not called": (["shop:create_app"], "write shop:create_app() if it makes one"),
    "no application": (["shop:Flask"], "is no application of Flask, Starlette, FastAPI or Django"),
    "a number": (["shop:__builtins__"], "is no application"),
    "no factory": (["wrong:number()"], "wrong:number is not a factory but int: leave out ()"),
    "an import that fails": (["imports:app"], "imports fails: ModuleNotFoundError: No module named 'n0where'"),
    "a package that fails": (["failing.below:app"], "failing.below fails: ValueError: no setting; nor another"),
    "a factory that fails": (["wrong:make()"], "wrong:make() fails: KeyError: 'PORT'"),
    "a module that exits": (["leaving:app"], "leaving fails: SystemExit: 3"),
    "a syntax error": (["unreadable:app"], "unreadable fails: SyntaxError"),
}


@pytest.mark.parametrize("command", ["routes", "openapi"])
@pytest.mark.parametrize("mistake", MISTAKES)
def test_what_cannot_be_loaded_is_a_sentence_and_2(run: Run, mistake: str, command: str) -> None:
    write("wrong", "number = 3\ndef make():\n    return {}['PORT']\n")
    write("imports", "\nimport n0where\n")
    write("leaving", "import sys\nsys.exit(3)\n")
    write("unreadable", "def app(:\n")
    Path("failing").mkdir()
    Path("failing/__init__.py").write_text("raise ValueError('no setting\\n\\nnor another')\n")
    arguments, sentence = MISTAKES[mistake]
    refused = run(command, *arguments)
    assert (refused.exit_code, refused.stdout, refused.stderr.count("\n")) == (2, "", 1), refused.output
    assert sentence in refused.stderr


def test_a_failure_in_a_module_of_the_user_is_told_with_its_line(run: Run, directory: Path) -> None:
    write("imports", "\nimport n0where\n")
    assert f"({directory / 'imports.py'}:2)" in run("routes", "imports:app").stderr


def test_without_the_framework_it_says_what_to_install(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "authmw_flask.framework", None)
    refused = run("routes", "shop:app")
    assert (refused.exit_code, "Flask needs its adapter" in refused.stderr) == (2, True)


def test_inside_the_command_flask_the_application_is_flasks(directory: Path) -> None:
    environment = {**os.environ, "FLASK_APP": "shop:app"}
    listed = subprocess.run(
        [sys.executable, "-m", "flask", "authmw", "routes", "--check"],
        check=False,
        cwd=directory,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (listed.returncode, listed.stderr.count("\n")) == (1, 2), listed.stderr
    assert "/orders/{number}" in listed.stdout
