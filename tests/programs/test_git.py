"""git behind authmw, as its page says: with git."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from tests.programs.asking import ask, statuses
from tests.programs.conftest import MakeProgram
from tests.programs.program import GUNICORN, PASSWORD, Program
from tests.support import require

pytestmark = pytest.mark.programs
HELPER = '!f() { echo "username=$ASKED_USER"; echo "password=$ASKED_PASSWORD"; }; f'


@pytest.fixture(scope="module")
def repositories(program: MakeProgram) -> Program:
    require("git")
    made = program("git")
    made.create_user("alice", "read", "write")
    made.create_user("bob", "read")
    (made.folder / "repositories").mkdir()
    for name in ("shop", "Tools"):
        subprocess.run(["git", "init", "-q", "--bare", f"repositories/{name}.git"], cwd=made.folder, check=True)
    return made


@pytest.fixture(scope="module")
def url(repositories: Program) -> Iterator[str]:
    with repositories.serve("repositories:app", GUNICORN) as server:
        yield f"http://127.0.0.1:{server.port}"


def git(folder: Path, user: str, *arguments: str) -> CompletedProcess[str]:
    """What git did, with a credential helper that knows the password; without one for nobody."""
    told = {"GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_SYSTEM": "/dev/null", "GIT_TERMINAL_PROMPT": "0"}
    told |= {"ASKED_USER": user, "ASKED_PASSWORD": PASSWORD, "GIT_ASKPASS": "true", "LC_ALL": "C"}
    options = ["-c", f"credential.helper={HELPER}"] if user else []
    options += ["-c", "user.name=Somebody", "-c", "user.email=somebody@example.org"]
    command = ["git", *options, *arguments]
    environment = {**os.environ, **told}
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=120
    )


def commit(folder: Path, user: str, text: bytes) -> CompletedProcess[str]:
    """A commit, and its push."""
    (folder / "file").write_bytes(text)
    for arguments in (("add", "file"), ("commit", "-q", "-m", "A change")):
        assert git(folder, user, *arguments).returncode == 0
    return git(folder, user, "push", "origin", "HEAD:main")


def heads(program: Program, name: str) -> str:
    return git(program.folder / "repositories" / f"{name}.git", "", "for-each-ref").stdout


@pytest.mark.parametrize("name", ["shop", "Tools"])
def test_who_may_write_pushes_and_who_may_read_clones(
    repositories: Program, url: str, tmp_path: Path, name: str
) -> None:
    assert git(tmp_path, "alice", "clone", f"{url}/{name}.git", "alice").returncode == 0
    pushed = commit(tmp_path / "alice", "alice", os.urandom(3_000_000))  # larger than http.postBuffer: in chunks
    assert pushed.returncode == 0, pushed.stderr
    kept = heads(repositories, name)
    assert "refs/heads/main" in kept
    cloned = git(tmp_path, "bob", "clone", "-b", "main", f"{url}/{name}.git", "bob")
    assert cloned.returncode == 0, cloned.stderr
    assert (tmp_path / "bob" / "file").read_bytes() == (tmp_path / "alice" / "file").read_bytes()
    refused = commit(tmp_path / "bob", "bob", b"mine")
    assert refused.returncode != 0
    assert "403" in refused.stderr
    assert heads(repositories, name) == kept
    assert commit(tmp_path / "alice", "alice", b"more").returncode == 0
    assert git(tmp_path / "bob", "bob", "fetch", "origin").returncode == 0


def test_a_stranger_and_a_wrong_password_get_nothing(url: str, tmp_path: Path) -> None:
    for user in ("", "mallory"):
        refused = git(tmp_path, user, "clone", f"{url}/shop.git", "got")
        assert refused.returncode != 0
        assert not (tmp_path / "got").exists()
    assert ask(f"{url}/shop.git/info/refs?service=git-upload-pack").headers["WWW-Authenticate"].startswith("Basic ")


PUSH = "/shop.git/git-receive-pack"


@pytest.mark.parametrize(
    "path",
    [
        PUSH,
        f"/{PUSH}",
        "/SHOP.git/git-receive-pack",
        "/shop.git/git-upload-pack/../git-receive-pack",
        "/shop.git/git-upload-pack%2f..%2fgit-receive-pack",
        "/shop.git/git%2dreceive-pack",
        "/x/..//shop.git/git-receive-pack",
        "/shop.git/git-receive-pack?service=git-upload-pack",
    ],
)
def test_no_spelling_of_a_path_lets_a_reader_push(url: str, path: str) -> None:
    pushed = {"Content-Type": "application/x-git-receive-pack-request"}
    assert statuses(url + path, "bob", "", method="POST", data=b"0000", headers=pushed) == [403, 401]


def test_no_path_leads_out_of_the_folder(repositories: Program, url: str, tmp_path: Path) -> None:
    git(tmp_path, "alice", "clone", f"{url}/shop.git", "alice")
    commit(tmp_path / "alice", "alice", b"refused, if another test has pushed before")
    shutil.copytree(repositories.folder / "repositories" / "shop.git", repositories.folder / "hidden.git")
    refs = "info/refs?service=git-upload-pack"
    assert b"refs/heads/main" in ask(f"{url}/shop.git/{refs}", "alice").content
    for path in (
        "/../hidden.git",
        "/%2e%2e/hidden.git",
        "/shop.git/../../hidden.git",
        "/shop.git/%2e%2e/%2e%2e/hidden.git",
    ):
        answer = ask(f"{url}{path}/{refs}", "alice")
        assert answer.status_code in (403, 404, 500)  # 500 is git's own answer
        assert b"refs/heads/main" not in answer.content
