"""WsgiDAV behind authmw, as its page says: with a WebDAV client."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.programs.asking import ask, statuses
from tests.programs.conftest import MakeProgram
from tests.programs.program import GUNICORN, PASSWORD, Program

pytestmark = pytest.mark.programs
CLIENT = """
import sys
from io import BytesIO

from webdav4.client import Client

url, name, password = sys.argv[1:]
client = Client(url, auth=(name, password), retry=False, timeout=60)
if name == "alice":
    client.mkdir("plans")
    client.upload_fileobj(BytesIO(b"buy tea"), "plans/today's list.txt")
    client.copy("plans/today's list.txt", "plans/other.txt")
    client.move("plans/other.txt", "plans/moved.txt")
    client.remove("plans/moved.txt")
print(client.ls("plans", detail=False))
got = BytesIO()
client.download_fileobj("plans/today's list.txt", got)
print(got.getvalue())
for change in (lambda: client.mkdir(f"{name} was here"), lambda: client.upload_fileobj(BytesIO(b"x"), f"{name}.txt")):
    try:
        change()
    except Exception as error:
        print(type(error).__name__)
"""


WRITTEN = {"private", "plans", "alice was here", "alice.txt"}


@pytest.fixture(scope="module")
def webdav(program: MakeProgram) -> Program:
    made = program("webdav", "webdav4")
    made.create_user("alice", "read", "write")
    made.create_user("bob", "read")
    made.create_user("carol", "read", "write", "private")
    (made.folder / "files" / "private").mkdir(parents=True)
    (made.folder / "client.py").write_text(CLIENT)
    return made


@pytest.fixture(scope="module")
def url(webdav: Program) -> Iterator[str]:
    with webdav.serve("dav:app", GUNICORN) as server:
        yield f"http://127.0.0.1:{server.port}"


def test_a_client_writes_and_another_one_reads(webdav: Program, url: str) -> None:
    alice = webdav.run("python", "client.py", url, "alice", PASSWORD)
    assert alice.stdout == "[\"plans/today's list.txt\"]\nb'buy tea'\n", alice.stderr
    assert {path.name for path in (webdav.folder / "files").iterdir()} == WRITTEN
    bob = webdav.run("python", "client.py", url, "bob", PASSWORD)
    shown, got, *errors = bob.stdout.splitlines()
    assert (shown, got) == ('["plans/today\'s list.txt"]', "b'buy tea'")
    assert len(errors) == 2
    assert {path.name for path in (webdav.folder / "files").iterdir()} == WRITTEN


@pytest.mark.parametrize("method", "PUT MKCOL DELETE COPY MOVE PROPPATCH LOCK UNLOCK PATCH POST".split())
def test_a_reader_changes_nothing(webdav: Program, url: str, method: str) -> None:
    (webdav.folder / "files" / "kept.txt").write_text("kept")
    before = {path.name for path in (webdav.folder / "files").iterdir()}
    more = {"headers": {"Destination": f"{url}/other.txt"}, "data": b"x"}
    for path in ("/kept.txt", "//kept.txt", "/x/../kept.txt", "/KEPT.txt", "/%6bept.txt", "/kept.txt/"):
        assert statuses(url + path, "bob", "", method=method, **more) == [403, 401]
    assert {path.name for path in (webdav.folder / "files").iterdir()} == before
    assert (webdav.folder / "files" / "kept.txt").read_text() == "kept"


def test_who_may_ask_what(webdav: Program, url: str) -> None:
    (webdav.folder / "files" / "seen.txt").write_text("seen")
    expected = {"PROPFIND": 207, "GET": 200, "HEAD": 200, "OPTIONS": 200}
    for method, status in expected.items():
        asked = statuses(f"{url}/seen.txt", "alice", "bob", "", method=method, headers={"Depth": "0"})
        assert asked == [status, status, 401], method
    assert "DAV" in ask(f"{url}/", "bob", "OPTIONS").headers


def test_a_writer_locks(url: str) -> None:
    body = '<lockinfo xmlns="DAV:"><lockscope><exclusive/></lockscope><locktype><write/></locktype></lockinfo>'
    locked = ask(f"{url}/locked.txt", "alice", "LOCK", data=body, headers={"Timeout": "Second-60"})
    assert locked.status_code in (200, 201)
    token = {"Lock-Token": locked.headers["Lock-Token"]}
    assert statuses(f"{url}/locked.txt", "bob", "", "alice", method="UNLOCK", headers=token) == [403, 401, 204]


def test_a_folder_has_a_scope_of_its_own_in_both_directions(webdav: Program, url: str) -> None:
    files = webdav.folder / "files"
    (files / "private" / "plan.txt").write_text("plan")
    (files / "open.txt").write_text("open")
    users = ("alice", "bob", "", "carol")
    assert statuses(f"{url}/private/plan.txt", *users) == [403, 403, 401, 200]
    everything = {"headers": {"Depth": "infinity"}}
    assert statuses(f"{url}/", *users, method="PROPFIND", **everything) == [403, 403, 401, 207]
    assert statuses(f"{url}/", "alice", method="PROPFIND", headers={"Depth": "1"}) == [207]
    refused = [403, 403, 401]
    out, into = f"{url}/out.txt", f"{url}/private/into.txt"
    for method in ("COPY", "MOVE"):
        assert statuses(f"{url}/private/plan.txt", *users[:3], method=method, headers={"Destination": out}) == refused
        assert statuses(f"{url}/open.txt", *users[:3], method=method, headers={"Destination": into}) == refused
    assert {path.name for path in (files / "private").iterdir()} == {"plan.txt"}
    assert not (files / "out.txt").exists()
    assert statuses(f"{url}/private/plan.txt", "carol", method="COPY", headers={"Destination": out}) == [201]
    assert statuses(f"{url}/open.txt", "carol", method="COPY", headers={"Destination": into}) == [201]
