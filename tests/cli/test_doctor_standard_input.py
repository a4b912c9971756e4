"""What `authmw doctor` reads from standard input when no option gives a token."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from click.testing import Result

from authmw.testing import FakeIssuer

Run = Callable[..., Result]


@pytest.mark.parametrize("lines", [0, 1, 500_000])
def test_it_is_read_to_its_end(run: Run, monkeypatch: pytest.MonkeyPatch, lines: int) -> None:
    fake = FakeIssuer("https://id.example")
    monkeypatch.setattr("authmw.cli.doctor.command.fetcher", lambda: fake)
    token = fake.token(audience="orders", scopes=["orders:read"])
    said = run("doctor", "--issuer", fake.issuer, "--audience", "orders", stdin="\n" * lines + token)
    assert said.exit_code == 0, said.output
    assert "accepted" in said.stdout
