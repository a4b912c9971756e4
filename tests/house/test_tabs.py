"""Each tab of each page is a program: it runs alone, as pasted, and a second time in the same folder.

A tab is what stands indented below a line ``=== "Flask"``. Its blocks of Python are one program; a block with
``<!-- not run: why -->`` above it is left out. The packages that it imports, and the server that runs it, are in a line
``$ pip install ...`` of the tab, or of the page outside of tabs. A line that runs a program names a file and a name in
it: the page says that the tab is that file, and the tab makes that name.
"""

from __future__ import annotations

import ast
import re
import shlex
import subprocess
import sys
import tomllib
from collections.abc import Collection, Generator, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from tests.forked import ForkedInterpreter, interpreter
from tests.house.test_docs import PAGES, blocks
from tests.support import ROOT

_TAB = re.compile(r'^(?P<indent> *)=== "(?P<name>[^"]+)"\n', re.MULTILINE)
_INSTALL = re.compile(r"^ *\$ pip install (.+)$", re.MULTILINE)
_RUN = re.compile(r"^\$ (?P<server>flask --app|uvicorn|hypercorn|gunicorn|waitress-serve|python) (?P<rest>.+)$", re.M)
_TARGET = re.compile(r"(?P<module>[a-z_]+)(?:\.py|:(?P<name>\w+))?")
_EXTRA = re.compile(r"authmw(?:\[([\w,]+)\])?")
_ADAPTERS = {"flask": "flask", "starlette": "starlette", "fastapi": "fastapi", "sqlalchemy": "sql", "redis": "redis"}


@dataclass(frozen=True, slots=True)
class Tab:
    """A tab of a page."""

    page: str
    line: int
    name: str
    text: str
    around: str = ""
    """The page without its tabs, and the other tabs of the same name: one reader reads these."""

    @property
    def program(self) -> str:
        """Its blocks of Python, one after the other."""
        return "\n".join(block.code for block in blocks(self.text) if not block.skipped)

    @property
    def installs(self) -> set[str]:
        """The packages that the reader is told to install, with extras, as pip takes them."""
        lines = _INSTALL.findall(self.text) + _INSTALL.findall(self.around)
        return {word for line in lines for word in shlex.split(line, comments=True)}

    @property
    def runs(self) -> list[tuple[str, str, str]]:
        """The lines that run it: the server, the module and the name of the application in it, which may be empty."""
        found: list[tuple[str, str, str]] = []
        for line in _RUN.finditer(self.text):
            # The module is the first word that is no option, or after the last one: servers take it in both places.
            words = [word for word in shlex.split(line["rest"], comments=True) if _TARGET.fullmatch(word)]
            target = _TARGET.fullmatch(next((word for word in words if ":" in word or word.endswith(".py")), words[0]))
            assert target is not None
            name = target["name"] or ("app" if line["server"].startswith("flask") else "")
            found.append((line["server"].split()[0], target["module"], name))
        return found

    @property
    def id(self) -> str:
        """The page, the line and the name."""
        return f"{self.page}:{self.line} {self.name}"


def tabs(page: str, text: str) -> Iterator[Tab]:
    """The tabs of the page of this name and text."""
    found: list[Tab] = []
    around = text
    for start in _TAB.finditer(text):
        inside = f"{start['indent']}    "
        taken: list[str] = []
        for line in text[start.end() :].splitlines(keepends=True):
            if line.strip() and not line.startswith(inside):
                break
            taken.append(line)
        around = around.replace(start[0] + "".join(taken), "", 1)
        body = "".join(line[len(inside) :] if line.strip() else "\n" for line in taken)
        found.append(Tab(page, text.count("\n", 0, start.start()) + 1, start["name"], body))
    for tab in found:
        others = [other.text for other in found if other.name == tab.name and other is not tab]
        yield Tab(tab.page, tab.line, tab.name, tab.text, "\n".join([around, *others]))


ALL = [tab for page in PAGES for tab in tabs(str(page.relative_to(ROOT)), page.read_text())]
PROGRAMS = [tab for tab in ALL if tab.program]


@pytest.fixture(scope="module")
def forked() -> Generator[ForkedInterpreter]:
    """An interpreter with what most tabs import."""
    with interpreter("flask", "starlette", "fastapi", "sqlalchemy") as started:
        yield started


def run_alone(
    forked: ForkedInterpreter, program: str, folder: Path, names: Collection[str] = ()
) -> subprocess.CompletedProcess[str]:
    """Run the program twice in `folder`, each time with nothing before it, and look for `names` in it."""
    (folder / "shop.py").write_text(program)
    once = "\n".join(
        [
            "import sys",
            "sys.path.insert(0, '.')",
            "import shop",  # as a server does
            "code = compile(open('shop.py').read(), 'shop.py', 'exec', dont_inherit=True)",
            "exec(code, {'__name__': 'shop'})",
            f"for name in {sorted(names)}: getattr(shop, name)",
        ]
    )
    return forked.run(once, folder)


@pytest.mark.slow  # a process for each tab
@pytest.mark.parametrize("tab", PROGRAMS, ids=lambda tab: tab.id)
def test_a_tab_runs_alone_and_again(tab: Tab, tmp_path: Path, forked: ForkedInterpreter) -> None:
    ran = run_alone(forked, tab.program, tmp_path, {name for _, _, name in tab.runs if name})
    assert ran.returncode == 0, f"{tab.id}\n{ran.stderr}"


def _distribution(name: str) -> str:
    return re.split(r"[\[<>=!~;]", name, maxsplit=1)[0].strip().lower().replace("_", "-")


@cache
def _installed_by_extra(extra: str) -> frozenset[str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    listed = project["optional-dependencies"][extra] if extra else project["dependencies"]
    found: set[str] = set()
    for each in listed:
        own = _EXTRA.fullmatch(each)
        more = (own[1] or "").split(",") if own else []
        found |= {name for nested in more for name in _installed_by_extra(nested)} if own else {_distribution(each)}
    return frozenset(found)


@cache
def _distributions_by_module() -> Mapping[str, list[str]]:
    return packages_distributions()


def missing_packages(tab: Tab) -> list[str]:
    """What the program of the tab imports, or what runs it, that no line of the page installs."""
    ours = [found[1] or "" for each in tab.installs if (found := _EXTRA.fullmatch(each))]
    extras = {extra for each in ours for extra in each.split(",")}
    installed = {_distribution(each) for each in tab.installs} | _installed_by_extra("")
    installed |= {name for extra in extras if extra for name in _installed_by_extra(extra)}
    own = {f"authmw_{name}" for name, extra in _ADAPTERS.items() if extra in extras or "all" in extras} | {"authmw"}
    own |= {"authmw_starlette"} if "fastapi" in extras else set()
    own |= {"authmw_sqlalchemy"} if "sqlalchemy" in installed else set()  # an extra that contains sql, as postgres
    by_module = _distributions_by_module()

    def is_installed(module: str) -> bool:
        if module in sys.stdlib_module_names or module.startswith("authmw"):
            return module in sys.stdlib_module_names or module in own
        return any(_distribution(each) in installed for each in by_module.get(module, []))

    missing = [module for module in sorted(_imported(tab.program)) if not is_installed(module)]
    if "LocalAuth" in tab.program and "authmw_sqlalchemy" not in own:
        missing.append("the extra sql, which LocalAuth needs")
    if "testclient" in tab.program and not installed & {"httpx2", "httpx"}:
        missing.append("httpx2, which Starlette's TestClient needs")
    servers = {server.partition("-")[0] for server, _, _ in tab.runs} - {"python"}
    return missing + [server for server in sorted(servers) if server not in installed]


def _imported(program: str) -> set[str]:
    roots: set[str] = set()
    for node in ast.walk(ast.parse(program)):
        if isinstance(node, ast.Import):
            roots |= {name.name.partition(".")[0] for name in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            roots.add(node.module.partition(".")[0])
    return roots


@pytest.mark.parametrize("tab", PROGRAMS, ids=lambda tab: tab.id)
def test_a_tab_names_its_packages_and_its_file(tab: Tab) -> None:
    assert missing_packages(tab) == [], f"{tab.id}: add them to a line `$ pip install ...`"
    for server, module, _ in tab.runs:
        assert f"{module}.py" in tab.text + tab.around, f"{tab.id}: {server} runs {module}, and no line says its file"


def _only_tab(text: str) -> Tab:
    (tab,) = tabs("page.md", text)
    return tab


INSTALLED = '```console\n$ pip install "authmw[flask,sql]"\n```\n\n'
PROGRAM = (
    '=== "Flask"\n\n    ```python title="shop.py"\n    import flask\n    app = flask.Flask("shop")\n    ```\n\n'
    "    ```console\n    $ flask --app shop run --port 8000\n    ```\n\nAfter.\n"
)


def test_a_tab_that_leans_on_the_page_or_runs_once_is_noticed(tmp_path: Path, forked: ForkedInterpreter) -> None:
    (first, second) = tabs("page.md", '=== "A"\n\n    ```python\n    x = 1\n    ```\n\n=== "B"\n\n    B\n\nAfter.\n')
    assert (first.name, first.program, second.text) == ("A", "x = 1\n", "\nB\n\n")
    assert first.around.strip() == "After."
    assert run_alone(forked, "print(x)\n", tmp_path).returncode == 1
    assert "No module" not in run_alone(forked, "x = 1\n", tmp_path).stderr
    assert run_alone(forked, "import pathlib\npathlib.Path('made').mkdir()\n", tmp_path).returncode == 1


def test_a_run_line_without_its_application_is_noticed(tmp_path: Path, forked: ForkedInterpreter) -> None:
    tab = _only_tab(PROGRAM)
    assert tab.runs == [("flask", "shop", "app")]
    assert run_alone(forked, tab.program, tmp_path, ["app"]).returncode == 0
    assert "has no attribute 'api'" in run_alone(forked, tab.program, tmp_path, ["api"]).stderr
    served = "    $ uvicorn --proxy-headers --forwarded-allow-ips 10.0.0.7 shop:api --port 80\n"
    assert _only_tab(f'=== "A"\n\n    ```console\n{served}    ```\n').runs == [("uvicorn", "shop", "api")]


def test_a_package_that_the_page_does_not_name_is_noticed() -> None:
    assert missing_packages(_only_tab(INSTALLED + PROGRAM)) == []
    assert missing_packages(_only_tab(PROGRAM)) == ["flask", "flask"]
    other = PROGRAM.replace("flask --app shop run", "uvicorn shop:app").replace("import flask", "import fastapi, flask")
    assert missing_packages(_only_tab(INSTALLED + other)) == ["fastapi", "uvicorn"]
    local = PROGRAM.replace("import flask", "import authmw_flask; authmw_flask.LocalAuth")
    assert missing_packages(_only_tab(INSTALLED.replace(",sql", "") + local)) == [
        "the extra sql, which LocalAuth needs"
    ]
    assert missing_packages(_only_tab(INSTALLED.replace("sql", "postgres") + local)) == []


def test_there_are_tabs() -> None:
    assert len(PROGRAMS) > 20
    assert sum(len(tab.runs) for tab in ALL) > 15
