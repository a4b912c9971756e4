"""`authmw jwk`."""

from __future__ import annotations

import json
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import pytest
from click.testing import Result

from authmw.crypto.jose.algorithms import ALGORITHMS
from authmw.crypto.keyring import KeyRing

Run = Callable[..., Result]
Document = Callable[..., dict[str, Any]]

PRIVATE = {"d", "p", "q", "dp", "dq", "qi", "oth", "k"}


def members(value: object) -> set[str]:
    """The names of all members anywhere in a document."""
    if isinstance(value, dict):
        found = cast("dict[str, object]", value)
        return set(found).union(*map(members, found.values()))
    return set[str]().union(*map(members, cast("list[object]", value))) if isinstance(value, list) else set()


@pytest.mark.parametrize("alg", ["HS256", "ES256", "EdDSA", "RS256"])
def test_a_ring_is_made_for_its_owner_alone(run: Run, document: Document, directory: Path, alg: str) -> None:
    made = document("jwk", "generate", "--alg", alg)
    path = directory / "keys.json"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    ring = KeyRing.load(path)
    assert (ring.signer.kid, ring.signer.alg) == (made["kid"], alg)


@pytest.mark.parametrize("alg", ["HS256", "ES256"])
def test_nothing_that_is_printed_is_a_secret(run: Run, document: Document, directory: Path, alg: str) -> None:
    printed = [document("jwk", "generate", "--alg", alg), document("jwk", "rotate"), document("jwk", "list")]
    assert members(printed) & PRIVATE == set()
    secrets = [value for jwk in json.loads((directory / "keys.json").read_text())["keys"] for value in
               (jwk.get("d"), jwk.get("k")) if value]  # fmt: skip
    assert len(secrets) == 2
    assert all(secret not in run("jwk", "list").output for secret in secrets)


def test_a_ring_that_is_there_is_not_overwritten(run: Run, directory: Path) -> None:
    run("jwk", "generate")
    before = (directory / "keys.json").read_bytes()
    refused = run("jwk", "generate")
    assert refused.exit_code == 1
    assert "jwk rotate" in refused.stderr
    assert (directory / "keys.json").read_bytes() == before


def test_the_new_key_signs_and_the_old_ones_verify(run: Run, document: Document) -> None:
    old = document("jwk", "generate")["kid"]
    new = document("jwk", "rotate")["kid"]
    assert run("jwk", "list").stdout.splitlines() == [
        f"{'KID':43}  ALG    USE",
        f"{new}  ES256  signs",
        f"{old}  ES256  verifies",
    ]
    assert [(key["kid"], key["signs"]) for key in document("jwk", "list")["keys"]] == [(new, True), (old, False)]


def test_the_algorithm_may_change_when_a_key_is_rotated(document: Document) -> None:
    document("jwk", "generate")
    assert document("jwk", "rotate", "--alg", "EdDSA")["alg"] == "EdDSA"


def test_class_1_secrets_are_not_mixed_with_key_pairs(run: Run, directory: Path) -> None:
    run("jwk", "generate")
    before = (directory / "keys.json").read_bytes()
    refused = run("jwk", "rotate", "--alg", "HS256")
    assert (refused.exit_code, "mixed" in refused.stderr) == (1, True)
    assert (directory / "keys.json").read_bytes() == before


def test_a_retired_key_is_gone(run: Run, document: Document) -> None:
    old, new = document("jwk", "generate")["kid"], document("jwk", "rotate")["kid"]
    assert document("jwk", "retire", old) == {"retired": old}
    assert [key["kid"] for key in document("jwk", "list")["keys"]] == [new]
    assert run("jwk", "retire", new).exit_code == 1
    assert "'-starts-with-a-dash'" in run("jwk", "retire", "-starts-with-a-dash").stderr


@pytest.mark.parametrize("command", [["rotate"], ["list"], ["retire", "x"]], ids=" ".join)
def test_a_ring_that_is_not_there_is_a_sentence(run: Run, command: list[str]) -> None:
    refused = run("jwk", *command)
    assert (refused.exit_code, refused.stdout, refused.stderr.count("\n")) == (1, "", 1)
    assert "jwk generate" in refused.stderr


def test_a_ring_that_cannot_be_read_is_a_sentence_without_its_contents(run: Run, directory: Path) -> None:
    (directory / "keys.json").write_text('{"keys": [{"kty": "oct", "k": "c2VjcmV0"}]')
    refused = run("jwk", "list")
    assert (refused.exit_code, "c2VjcmV0" in refused.output) == (1, False)


def test_a_ring_that_cannot_be_written_is_a_sentence(run: Run) -> None:
    refused = run("jwk", "generate", "--keys", "no/such/keys.json")
    assert (refused.exit_code, refused.stderr.count("\n")) == (1, 1)
    assert "no/such/keys.json cannot be written" in refused.stderr


def test_the_environment_names_the_ring(run: Run, directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUTHMW_KEYS", "environment.json")
    run("jwk", "generate")
    run("jwk", "generate", "--keys", "option.json")
    assert {path.name for path in directory.iterdir()} == {"environment.json", "option.json"}


def test_every_algorithm_is_offered_and_none_is_not(run: Run) -> None:
    refused = run("jwk", "generate", "--alg", "none")
    assert refused.exit_code == 2
    assert all(alg in refused.stderr for alg in ALGORITHMS)
