"""Gradio behind authmw, as its page says: with its own client."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.programs.conftest import MakeProgram
from tests.programs.people import BOUND, LONGER_THAN_A_TOKEN, People, people_at, seconds_until
from tests.programs.program import PASSWORD, UVICORN, Program
from tests.support import require

pytestmark = pytest.mark.programs
OFFLINE = {"GRADIO_ANALYTICS_ENABLED": "False", "HF_HUB_OFFLINE": "1"}


@pytest.fixture(scope="module")
def demo(program: MakeProgram) -> Program:
    made = program("gradio")
    made.create_user("alice", "demo")
    made.create_user("bob")
    return made


@pytest.fixture(scope="module")
def url(demo: Program) -> Iterator[str]:
    with demo.serve("app:app", UVICORN, OFFLINE) as server:
        yield f"http://127.0.0.1:{server.port}"


def status(url: str, path: str, user: str = "", password: str = PASSWORD, **headers: str) -> int:
    auth = (user, password) if user else None
    return httpx.get(f"{url}{path}", auth=auth, headers=headers, timeout=60).status_code


def test_the_client_of_the_page_is_greeted(demo: Program, url: str) -> None:
    done = demo.run("python", "client.py", f"{url}/demo", "alice", PASSWORD, environment=OFFLINE)
    assert done.stdout == "alice greets Bob\n", done.stderr


def test_only_who_has_the_scope_gets_in(url: str) -> None:
    for path in ("/demo/", "/demo/config", "/demo/gradio_api/info"):
        assert [status(url, path, user) for user in ("alice", "bob", "")] == [200, 403, 401]
    assert status(url, "/demo/", "alice", "wrong password") == 401


def test_nothing_is_for_strangers(url: str) -> None:
    forged = {"Remote-User": "alice", "X-Forwarded-User": "alice", "authmw.principal": "alice"}
    for path in ("/", "/demo/theme.css", "/demo/gradio_api/queue/data", "/demo/gradio_api/file=app.py", "/demo/login"):
        assert status(url, path, **forged) == 401
    joined = httpx.post(f"{url}/demo/gradio_api/queue/join", json={"data": ["x"], "fn_index": 0, "session_hash": "a"})
    assert joined.status_code == 401


@pytest.fixture
def people(demo: Program) -> Iterator[People]:
    require("browser")
    with people_at(demo, "app_with_login", environment=OFFLINE) as people:
        yield people


@pytest.mark.browser
def test_people_log_in_and_go_on_for_longer_than_a_token_lives(people: People) -> None:
    ended: list[str] = []

    def note(request: Any) -> None:
        if "queue/data" in request.url:
            ended.append(request.url)

    page = people.logged_in("alice", "/demo/")
    for event in ("requestfinished", "requestfailed"):
        page.on(event, note)
    for name in ("Bob", "Eve"):
        page.get_by_label("Name").fill(name)
        page.click("button:has-text('Greet')")
        page.wait_for_function("wanted => [...document.querySelectorAll('textarea, input')]"
                               ".some(each => each.value === wanted)", arg=f"alice greets {name}")  # fmt: skip
        people.let_pass(LONGER_THAN_A_TOKEN)
    page.click("button:has-text('Count')")
    page.wait_for_function("() => Number(document.querySelectorAll('textarea, input')[2].value) > 2")
    before = len(ended)
    people.log_out_elsewhere("alice")
    assert seconds_until(page, lambda: len(ended) > before) < BOUND
    page.click("button:has-text('Greet')")
    page.wait_for_selector("text=The session has ended.")
    assert people.leads_to_the_login(page)
    bob = people.logged_in("bob", "/auth/sessions")
    bob.goto(f"{people.url}/demo/")
    assert people.shown[-1][0] == 403
    assert people.has_seen_pages_alone
