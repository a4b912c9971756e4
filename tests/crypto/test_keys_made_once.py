"""`KeyRing.load(path, create=True)`: one process makes the file, all use it."""

from __future__ import annotations

import logging
import os
import stat
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from authmw import ConfigurationError, KeyRing
from authmw.crypto import private_file


@pytest.fixture(autouse=True)
def _development(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AUTHMW_ENV", raising=False)


def test_the_first_makes_the_file_and_says_so_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "keys.json"
    with caplog.at_level(logging.WARNING, "authmw.keys"):
        rings = [KeyRing.load(path, create=True) for _ in range(3)]
    assert len({ring.signer.kid for ring in rings}) == 1
    assert rings[0].signer.alg == "ES256"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [record.getMessage() for record in caplog.records] == [
        f"made new signing keys in {path}: keep this file, and give no one else access to it"
    ]
    assert [each.name for each in tmp_path.iterdir()] == ["keys.json"]


def test_of_several_at_the_same_time_one_makes_it_and_all_use_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "keys.json"
    together = threading.Barrier(8)
    written = private_file._written_beside  # pyright: ignore[reportPrivateUsage]

    def all_at_once(*given: Any) -> str:
        together.wait(20)  # all have seen that there is no file
        return written(*given)

    monkeypatch.setattr(private_file, "_written_beside", all_at_once)
    with ThreadPoolExecutor(8) as pool:
        started = [pool.submit(KeyRing.load, path, create=True) for _ in range(8)]
        rings = [each.result() for each in started]
    assert len(caplog.records) == 1
    assert len({ring.signer.kid for ring in rings}) == 1
    assert [each.name for each in tmp_path.iterdir()] == ["keys.json"]


def test_the_target_of_a_link_is_made(tmp_path: Path) -> None:
    (tmp_path / "link.json").symlink_to(tmp_path / "keys.json")
    made = KeyRing.load(tmp_path / "link.json", create=True)
    assert KeyRing.load(tmp_path / "keys.json").signer.kid == made.signer.kid


def test_a_file_that_is_there_is_never_replaced(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    path.write_text("not keys")
    with pytest.raises(ConfigurationError, match="is no JWK Set"):
        KeyRing.load(path, create=True)
    assert path.read_text() == "not keys"


def test_production_makes_no_keys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "keys.json"
    KeyRing.generate().save(path)
    monkeypatch.setenv("AUTHMW_ENV", "production")
    KeyRing.load(path)
    with pytest.raises(ConfigurationError, match=r"`authmw jwk generate --keys .*`, give it to every machine"):
        KeyRing.load(path, create=True)


@pytest.mark.parametrize("folder", ["missing", "no links"])
def test_where_no_file_can_be_made_the_message_says_the_command(
    folder: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    path = tmp_path / folder / "keys.json"
    if folder != "missing":
        path.parent.mkdir()
    with pytest.raises(ConfigurationError, match=r"cannot be made: .* Make it by `authmw jwk generate --keys"):
        KeyRing.load(path, create=True)
    assert list(tmp_path.rglob("*.json")) == []
