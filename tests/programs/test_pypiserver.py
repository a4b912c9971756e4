"""pypiserver behind authmw, as its page says: with pip and twine."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from subprocess import CompletedProcess

import pytest
import requests

from tests.clients.recording import check, recording
from tests.programs.conftest import MakeProgram
from tests.programs.program import GUNICORN, PASSWORD, Program

pytestmark = pytest.mark.programs
METADATA = "Metadata-Version: 2.1\nName: shop\nVersion: {version}\n"
WHEEL = "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"


@pytest.fixture(scope="module")
def pypiserver(program: MakeProgram) -> Program:
    made = program("pypiserver", "pip", "twine")
    made.create_user("alice", "read", "write")
    made.create_user("ci", "read")
    (made.folder / "packages").mkdir()
    return made


@pytest.fixture(scope="module")
def url(pypiserver: Program) -> Iterator[str]:
    with pypiserver.serve("index:app", GUNICORN) as server:
        yield f"http://127.0.0.1:{server.port}"


def wheel(folder: Path, version: str) -> Path:
    """A wheel of the package ``shop``."""
    path = folder / f"shop-{version}-py3-none-any.whl"
    files = {"shop.py": "PRICE = 7\n"}
    files |= {f"shop-{version}.dist-info/{name}": text for name, text in _metadata(version).items()}
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
        archive.writestr(f"shop-{version}.dist-info/RECORD", "".join(f"{name},,\n" for name in files))
    return path


def _metadata(version: str) -> Mapping[str, str]:
    return {"METADATA": METADATA.format(version=version), "WHEEL": WHEEL}


def upload(program: Program, url: str, user: str, file: Path) -> CompletedProcess[str]:
    options = ("--non-interactive", "--disable-progress-bar", "--repository-url", f"{url}/")
    told = {"TWINE_USERNAME": user, "TWINE_PASSWORD": PASSWORD, "HOME": str(program.folder)}
    return program.run("twine", "upload", *options, str(file), environment=told)


def download(program: Program, url: str, user: str, version: str, folder: Path) -> CompletedProcess[str]:
    """What ``pip download`` did; the password is in ``.netrc``."""
    netrc = folder / f"netrc-{user}"
    netrc.write_text(f'machine 127.0.0.1 login {user} password "{PASSWORD}"\n' if user else "")
    options = ("--isolated", "--no-input", "--disable-pip-version-check", "--no-cache-dir", "--retries", "0")
    index = ("--index-url", f"{url}/simple/", f"shop=={version}", "--dest", str(folder))
    return program.run("pip", "download", *options, *index, environment={"NETRC": str(netrc)})


def get(url: str, user: str) -> int:
    return requests.get(url, auth=(user, PASSWORD) if user else None, timeout=30).status_code


def stored(program: Program) -> set[str]:
    return {path.name for path in (program.folder / "packages").iterdir()}


def test_who_may_write_uploads_and_who_may_read_installs(pypiserver: Program, url: str, tmp_path: Path) -> None:
    file = wheel(tmp_path, "1.0")
    done = upload(pypiserver, url, "alice", file)
    assert done.returncode == 0, done.stdout + done.stderr
    assert file.name in stored(pypiserver)
    for user in ("alice", "ci"):
        (tmp_path / user).mkdir()
        done = download(pypiserver, url, user, "1.0", tmp_path / user)
        assert done.returncode == 0, done.stdout + done.stderr
        assert (tmp_path / user / file.name).read_bytes() == file.read_bytes()


def test_who_may_only_read_stores_nothing(pypiserver: Program, url: str, tmp_path: Path) -> None:
    for user, status in {"ci": "403", "mallory": "401"}.items():
        done = upload(pypiserver, url, user, wheel(tmp_path, "2.0"))
        assert done.returncode != 0
        assert status in done.stdout + done.stderr
    assert "shop-2.0-py3-none-any.whl" not in stored(pypiserver)


def test_a_stranger_installs_nothing(pypiserver: Program, url: str, tmp_path: Path) -> None:
    (pypiserver.folder / "packages" / "shop-3.0-py3-none-any.whl").write_bytes(wheel(tmp_path, "3.0").read_bytes())
    (tmp_path / "into").mkdir()
    for user in ("", "mallory"):
        done = download(pypiserver, url, user, "3.0", tmp_path / "into")
        assert done.returncode != 0
        assert "from versions: none" in done.stderr
        assert get(f"{url}/simple/shop/", user) == 401
    assert not list((tmp_path / "into").glob("*.whl"))


def test_the_search_of_pip_reads(url: str) -> None:
    search = b"<?xml version='1.0'?><methodCall><methodName>search</methodName><params><param><value><struct>"
    search += b"<member><name>name</name><value><array><data><value><string>shop</string></value></data></array>"
    search += b"</value></member></struct></value></param></params></methodCall>"
    answers = [requests.post(f"{url}/RPC2", search, auth=(user, PASSWORD), timeout=30) for user in ("alice", "ci")]
    assert [each.status_code for each in answers] == [200, 200]
    assert b"shop" in answers[1].content
    assert requests.post(f"{url}/RPC2", search, timeout=30).status_code == 401


@pytest.mark.parametrize("path", ["/", "//", "/x/..", "/%2e", "/?:action=remove_pkg", "/packages/", "/simple/shop/"])
def test_no_spelling_of_a_path_lets_a_reader_write(url: str, path: str) -> None:
    for method in ("POST", "PUT", "DELETE"):
        prepared = requests.Request(method, url, auth=("ci", PASSWORD), data={":action": "remove_pkg"}).prepare()
        prepared.url = f"{url}{path}"
        with requests.Session() as session:
            assert session.send(prepared, timeout=30).status_code == 403


def test_twine_gets_the_same_bytes_whether_there_is_a_login_page_or_not(pypiserver: Program, tmp_path: Path) -> None:
    with recording() as (url, recorder):
        done = upload(pypiserver, url, "alice", wheel(tmp_path, "1.0"))
        assert done.returncode != 0
        assert "401" in done.stdout + done.stderr
    check(recorder, "twine")
