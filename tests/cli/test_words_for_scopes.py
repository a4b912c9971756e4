"""`authmw users set-scopes` knows no program: it takes each word that can be a scope, and `users show` shows it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from click.testing import Result

Run = Callable[..., Result]
Document = Callable[..., dict[str, Any]]


@pytest.mark.parametrize("word", ["notes:raed", "notes:read,notes:write", "!", "~", "a" * 200])
def test_any_word_is_taken_for_a_scope_and_shown(run: Run, document: Document, word: str) -> None:
    run("users", "create", "alice", "--no-password")
    assert document("users", "set-scopes", "alice", "--scope", word)["scopes"] == [word]
    shown = run("users", "show", "alice")
    assert (shown.exit_code, word in shown.stdout) == (0, True)
