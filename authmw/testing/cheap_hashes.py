"""Cheap password hashes while a test runs, for every hasher of the program, made before or in the test."""

from __future__ import annotations

from typing import TYPE_CHECKING

from authmw.crypto.passwords import CHEAPEST, Match, PasswordHasher
from authmw.testing.in_test import check_in_test

if TYPE_CHECKING:
    import pytest


def make_hashes_cheap(patch: pytest.MonkeyPatch) -> None:
    """Let each `PasswordHasher` hash with `CHEAPEST`, until `patch` is undone.

    A hash that was made with real parameters is verified as it was made, and is not replaced by a cheap one. Outside
    of the test, a cheap hash that a database kept is outdated, and is replaced at the next login.

    Raises:
        ConfigurationError: no test runs.
    """
    check_in_test()
    cheapest = PasswordHasher(CHEAPEST)
    of_cheapest = cheapest.dummy.rpartition("$")[0].rpartition("$")[0] + "$"
    hash_cheaply, verify_cheaply, verify_really = cheapest.hash, cheapest.verify, PasswordHasher.verify

    def hash_(_: PasswordHasher, password: str) -> str:
        return hash_cheaply(password)

    def verify(hasher: PasswordHasher, *, password: str, hash: str) -> Match:
        if hash == hasher.dummy:
            return verify_cheaply(password=password, hash=cheapest.dummy)
        if hasher is not cheapest and hash.startswith("$argon2") and not hash.startswith(of_cheapest):
            return verify_really(hasher, password=password, hash=hash)
        return verify_really(cheapest, password=password, hash=hash)

    patch.setattr(PasswordHasher, "hash", hash_)
    patch.setattr(PasswordHasher, "verify", verify)
