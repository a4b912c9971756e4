"""The page about testing: its programs and tests run under pytest, as a reader saves them."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from textwrap import dedent

import pytest

from tests.support import ROOT, unmeasured

_FILE = re.compile(r'^ *```python title="(?P<name>[\w.]+)"\n(?P<code>.*?)^ *```$', re.MULTILINE | re.DOTALL)


@pytest.mark.slow
def test_the_tests_of_the_page_pass_where_nothing_is_configured(tmp_path: Path) -> None:
    files = {found["name"]: dedent(found["code"]) for found in _FILE.finditer((ROOT / "docs/testing.md").read_text())}
    assert len(files) == 6
    for name, code in files.items():
        (tmp_path / name).write_text(code)
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", "."],
        cwd=tmp_path,
        env=unmeasured(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout
    assert "9 passed" in ran.stdout
    assert "Warning" not in ran.stdout
