"""Each page of ``docs/programs`` has its test, which installs what the page says and runs the files in it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.programs import environment
from tests.programs.page import PAGES, files_in, requirements_in, write_files
from tests.programs.program import Program
from tests.servers.running import exchange, raw_request
from tests.support import ROOT, require

PAGE = """
```console
$ pip install "authmw" uvicorn
$ uvicorn app:app
```

- a step

    ```python title="app.py"
    import authmw

    async def app(scope, receive, send): ...
    ```

```toml title="conf/settings.toml"
[server]
```

```console
$ pip install -U "gql[websockets]"
```
"""


def test_each_page_of_a_program_has_its_test() -> None:
    pages = {path.stem for path in PAGES.glob("*.md")} - {"index"}
    tests = {path.stem.removeprefix("test_").replace("_", "-") for path in Path(__file__).parent.glob("test_*.py")}
    assert pages == tests - {"pages"}


def test_a_page_says_what_is_installed_and_what_its_files_are(tmp_path: Path) -> None:
    assert requirements_in(PAGE) == ["authmw", "uvicorn", "-U", "gql[websockets]"]
    write_files(PAGE, tmp_path)
    assert (tmp_path / "app.py").read_text() == "import authmw\n\nasync def app(scope, receive, send): ...\n"
    assert (tmp_path / "conf" / "settings.toml").read_text() == "[server]\n"


def test_two_files_of_one_name_are_a_mistake_of_the_page() -> None:
    with pytest.raises(ValueError, match=r"app\.py"):
        files_in(PAGE + PAGE)


APP = """
from authmw import Auth, HTTPBearer, Principal
from authmw.asgi import AuthMiddleware

async def hello(scope, receive, send):
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": scope["authmw.principal"].id.encode()})

app = AuthMiddleware(hello, Auth(HTTPBearer(lambda token: Principal("alice") if token == "t0ken" else None)))
"""


@pytest.mark.programs
def test_what_is_installed_is_this_checkout(program_of_nothing: Program) -> None:
    shown = program_of_nothing.run("python", "-c", "import authmw; print(authmw.__file__)")
    assert shown.stdout.strip() == str(ROOT / "authmw" / "__init__.py")
    assert program_of_nothing.run("authmw", "--help").returncode == 0


@pytest.mark.programs
def test_a_program_is_served_in_its_own_environment(program_of_nothing: Program) -> None:
    (program_of_nothing.folder / "app.py").write_text(APP)
    with program_of_nothing.serve("app:app") as server:
        assert exchange(server.port, raw_request("GET", "/")).status == 401
        reply = exchange(server.port, raw_request("GET", "/", [(b"Authorization", b"Bearer t0ken")]))
    assert (reply.status, reply.body) == (200, b"alice")


@pytest.mark.programs
@pytest.mark.usefixtures("program_of_nothing")  # which is skipped without a network
def test_a_requirement_that_cannot_be_installed_is_an_error_with_its_reason() -> None:
    with pytest.raises(RuntimeError, match="authmw-no-such-file"):
        environment.prepare("broken", ["./authmw-no-such-file.whl"])
    assert not environment.is_cached("broken", ["./authmw-no-such-file.whl"])


@pytest.fixture(scope="module")
def program_of_nothing(tmp_path_factory: pytest.TempPathFactory) -> Program:
    """A program that has no page, and no file yet."""
    requirements = ["authmw", "uvicorn"]
    if not environment.is_cached("nothing", requirements):
        require("package-index")
    return Program(environment.prepare("nothing", requirements), tmp_path_factory.mktemp("nothing"))
