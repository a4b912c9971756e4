"""The wheel, built from the sdist, holds exactly the import packages that are meant to ship."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import tarfile
from email.message import Message
from email.parser import Parser
from importlib.metadata import EntryPoint, distribution
from pathlib import Path
from urllib.request import urlopen
from zipfile import ZipFile

import pytest
from diagrams import drawings
from readme_renderer.markdown import render

from authmw.engine.routes.frameworks import GROUP
from tests.cli.test_demo import running
from tests.support import ROOT

pytestmark = pytest.mark.slow

REASONS = ".dist-info/extra_metadata/reasons/"
PACKAGES = {"authmw", *(path.parent.name for path in ROOT.glob("adapters/*/__init__.py"))}
EXTRAS = set("flask starlette fastapi django docs sql postgres redis bcrypt opentelemetry prometheus demo all".split())
DEMO_APPS = {
    f"authmw/cli/demo_apps/{name}.py": f"examples/{name}.py" for name in ("flask_app", "asgi_app", "login_app")
}
SDIST_TOP = set(
    "pyproject.toml README.md CHANGELOG.md LICENSE SECURITY.md CONTRIBUTING.md Makefile PKG-INFO .gitignore "
    "authmw adapters tests examples docs".split()
)


@pytest.fixture(scope="module")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Both distributions, built without a network: hatchling is installed already."""
    directory = tmp_path_factory.mktemp("dist")
    built = subprocess.run(
        [sys.executable, "-m", "build", "--no-isolation", "--outdir", directory, ROOT],
        capture_output=True,
        text=True,
        check=False,
    )
    assert built.returncode == 0, built.stdout + built.stderr
    return directory


@pytest.fixture(scope="module")
def wheel(dist: Path) -> list[str]:
    (path,) = dist.glob("*.whl")
    return ZipFile(path).namelist()


@pytest.fixture(scope="module")
def metadata(dist: Path) -> Message:
    (path,) = dist.glob("*.whl")
    with ZipFile(path) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        return Parser().parsestr(archive.read(name).decode())


def test_the_wheel_holds_exactly_the_import_packages(wheel: list[str]) -> None:
    top = {name.split("/")[0] for name in wheel}
    assert {name for name in top if not name.endswith(".dist-info")} == PACKAGES


def test_every_package_in_the_wheel_is_typed(wheel: list[str]) -> None:
    assert {f"{package}/py.typed" for package in PACKAGES} <= set(wheel)


def test_every_module_of_the_repository_is_in_the_wheel(wheel: list[str]) -> None:
    files = [path for root in ("authmw", "adapters") for path in (ROOT / root).rglob("*.py")]
    modules = {path.relative_to(ROOT).as_posix().removeprefix("adapters/") for path in files}
    assert {name for name in wheel if name.endswith(".py")} == modules | set(DEMO_APPS)


def test_the_wheel_has_the_examples_that_the_demo_runs(dist: Path) -> None:
    (path,) = dist.glob("*.whl")
    with ZipFile(path) as archive:
        for shipped, example in DEMO_APPS.items():
            assert archive.read(shipped) == (ROOT / example).read_bytes()


@pytest.mark.servers
def test_the_demo_runs_from_the_wheel_alone(dist: Path, tmp_path: Path) -> None:
    (path,) = dist.glob("*.whl")
    ZipFile(path).extractall(tmp_path / "installed")
    with running(tmp_path, path=tmp_path / "installed") as demo:
        with urlopen(f"{demo.url}/docs") as answer:
            assert answer.status == 200
        demo.stop(signal.SIGTERM)
        assert "Traceback" not in demo.log.read_text()


def test_nothing_but_code_and_its_metadata_ships(wheel: list[str]) -> None:
    scripts = "authmw/openapi/docs_page/files/"  # and styles: what a browser runs
    code = [Path(name) for name in wheel if ".dist-info/" not in name and not name.startswith(scripts)]
    assert {path.suffix or path.name for path in code} <= {".py", ".typed"}
    assert {Path(name).suffix for name in wheel if name.startswith(scripts)} == {".css", ".js"}


def test_the_wheel_has_the_pages_of_the_refusal_codes(wheel: list[str]) -> None:
    pages = {path.name for path in (ROOT / "docs" / "reasons").glob("*.md")}
    assert {name.rpartition("/")[2] for name in wheel if REASONS in name} == pages


def test_the_sdist_holds_what_was_agreed(dist: Path) -> None:
    (path,) = dist.glob("*.tar.gz")
    with tarfile.open(path) as archive:
        inside = {name.split("/", 1)[1] for name in archive.getnames() if "/" in name}
    assert {name.split("/")[0] for name in inside} == SDIST_TOP
    built = [name for name in inside if "__pycache__" in name or name.startswith(("docs/site", "docs/.cache"))]
    assert built == []


def test_the_licence_ships(wheel: list[str], metadata: Message) -> None:
    assert metadata["License-Expression"] == "MIT"
    assert any(name.endswith(".dist-info/licenses/LICENSE") for name in wheel)


def test_the_description_has_no_link_or_picture_that_is_dead_on_the_package_index(metadata: Message) -> None:
    description = str(metadata.get_payload())
    assert metadata["Description-Content-Type"] == "text/markdown"
    assert description.startswith("# authmw\n")
    prose = re.sub(r"^```.*?^```$", "", description, flags=re.MULTILINE | re.DOTALL)
    targets = re.findall(r"\]\(([^)\s]+)\)", prose)
    assert [target for target in targets if not target.startswith(("https://", "#"))] == []
    assert "mermaid" not in description


def test_the_description_shows_the_drawings_of_the_readme_in_characters(metadata: Message) -> None:
    description = str(metadata.get_payload())
    for drawing in drawings((ROOT / "README.md").read_text()):
        assert f"```text\n{drawing.picture.with_suffix('.txt').read_text()}```\n" in description


def test_the_package_index_renders_the_description_and_its_links_within_the_page(metadata: Message) -> None:
    html = render(str(metadata.get_payload()))
    assert html is not None
    anchors = set(re.findall(r' id="([^"]+)"', html))
    assert set(re.findall(r'href="#([^"]+)"', html)) <= anchors


def test_the_extras_are_those_that_people_guess(metadata: Message) -> None:
    assert set(metadata.get_all("Provides-Extra", [])) == EXTRAS


def test_dependencies_have_lower_bounds_only(metadata: Message) -> None:
    # An upper bound in a library locks its users out of their next security fix.
    plain = r"[\w.-]+(\[[\w,-]+\])?>=[\d.]+"
    required = [line.split(";")[0].strip() for line in metadata.get_all("Requires-Dist", [])]
    odd = [line for line in required if not re.fullmatch(plain, line) and not line.startswith("authmw[")]
    assert (odd, metadata["Requires-Python"]) == ([], ">=3.11")


ENTRY_POINTS = tuple(distribution("authmw").entry_points)


def test_the_entry_points_are_the_command_and_flasks() -> None:
    assert {(entry.group, entry.name) for entry in ENTRY_POINTS} >= {
        ("console_scripts", "authmw"),
        ("flask.commands", "authmw"),
    }


@pytest.mark.parametrize("entry", ENTRY_POINTS, ids=lambda entry: f"{entry.group}:{entry.name}")
def test_every_entry_point_leads_to_what_its_group_calls(entry: EntryPoint) -> None:
    found = entry.load()
    called: tuple[object, ...] = (found,)
    if entry.group == GROUP:
        called = (found.routes_of, found.openapi_document)
    elif entry.group == "pytest11":
        called = (found.as_user, found.clock)
    assert all(map(callable, called))
