"""The page of the docs about Django, as a new user follows it, in a project that ``startproject`` makes."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support import ROOT, unmeasured

pytestmark = pytest.mark.slow
PAGE = (ROOT / "docs" / "django.md").read_text()
_TITLED = re.compile(r'```python title="(?P<file>[^"]+)"\n(?P<code>.*?)```', re.DOTALL)
_REPLACED = ("mysite/urls.py",)
"""Files of which the page shows the whole."""

LIVE = """
from channels.generic.websocket import AsyncWebsocketConsumer

class Live(AsyncWebsocketConsumer):
    pass
"""

QUESTIONS = """
import os
os.environ["DJANGO_SETTINGS_MODULE"] = "mysite.settings"
import django
django.setup()
from django.test import Client
from mysite.auth import keys
from authmw import issue

token = issue("alice", keys=keys, issuer="https://me.example", audience="orders", scopes=["orders:read"])
other = issue("bob", keys=keys, issuer="https://me.example", audience="orders")
caller, stranger = {"authorization": "Bearer " + token}, {}
client = Client(SERVER_NAME="localhost")
def status(path, headers):
    return client.get(path, headers=headers).status_code
"""

AFTER = {
    "a new project": """
assert status("/health", stranger) == 200
assert status("/orders", stranger) == 401
assert status("/orders", {"authorization": "Bearer " + other}) == 403
assert client.get("/orders", headers=caller).json() == {"hello": "alice"}
assert status("/no-such-page", stranger) == 401
""",
    "all of it": """
assert status("/orders", stranger) == 401
assert client.get("/orders", headers=caller).json() == {"hello": "alice"}
from mysite.asgi import application
assert set(application.application_mapping) == {"http", "websocket"}
from django.conf import settings
assert settings.AUTHMW["leave"] == ["/admin/*"]
""",
}


def run(folder: Path, *arguments: str) -> str:
    environment = {**unmeasured(), "PYTHONPATH": os.pathsep.join((str(ROOT), str(ROOT / "adapters")))}
    ran = subprocess.run(
        [sys.executable, *arguments], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout


def write(folder: Path, file: str, code: str) -> None:
    path = folder / file
    known = path.read_text() if path.exists() and file not in _REPLACED else ""
    path.write_text(f"{known}\n{code}")


def test_a_new_user_can_follow_the_page(tmp_path: Path) -> None:
    blocks = [(found["file"], found["code"]) for found in _TITLED.finditer(PAGE)]
    assert [file for file, _ in blocks[:3]] == ["mysite/auth.py", "mysite/settings.py", "mysite/urls.py"]
    run(tmp_path, "-m", "django", "startproject", "mysite", ".")
    run(tmp_path, "-m", "authmw", "jwk", "generate")
    for file, code in blocks[:3]:
        write(tmp_path, file, code)
    lines = [line for _, code in blocks[:2] for line in code.splitlines() if line]
    assert len(lines) + len(("the import", "the decorator")) <= 9  # what a project has to add
    run(tmp_path, "-c", QUESTIONS + AFTER["a new project"])
    assert "no issues" in run(tmp_path, "manage.py", "check")
    listed = run(tmp_path, "-m", "authmw", "routes", "mysite.wsgi")
    assert re.search(r"any +/orders +orders:read +declared", listed)

    for file, code in blocks[3:]:
        write(tmp_path, file, code)
    (tmp_path / "mysite" / "live.py").write_text(LIVE)
    run(tmp_path, "-c", QUESTIONS + AFTER["all of it"])
    assert "no issues" in run(tmp_path, "manage.py", "check")
    assert re.search(r"WEBSOCKET +/live +orders:read +declared", run(tmp_path, "-m", "authmw", "routes", "mysite.asgi"))
