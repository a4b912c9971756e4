"""Findings about the machine and the process: cost of password hashes, pool, clock, logging."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Iterable, Iterator
from typing import Final

import authmw
from authmw.cli.doctor.credentials import verifiers_in
from authmw.cli.output import moment
from authmw.crypto.passwords import OWASP_MINIMUM, PasswordHasher
from authmw.engine import audit
from authmw.engine.auth import Auth
from authmw.flow.pool import WorkPool, default_pool
from authmw.issuers.diagnosis.finding import Finding

_SLOW_HASH: Final = 1.0


def findings_on_machine(auths: Iterable[Auth]) -> Iterator[Finding]:
    """What is found about the machine on which `auths` would serve."""
    hashers = {hasher.profile: hasher for auth in auths for hasher in _hashers_of(auth)}
    for hasher in hashers.values():
        yield _of_hasher(hasher)
    if hashers:
        yield _of_pool(default_pool, max(profile.memory for profile in hashers))
    yield _of_clock(time.time(), os.stat(authmw.__file__).st_mtime)
    yield _of_log()


def _hashers_of(auth: Auth) -> Iterator[PasswordHasher]:
    for scheme in auth.schemes:
        for verifier in verifiers_in(scheme.verifier):
            hasher: object = getattr(verifier, "hasher", None)
            if isinstance(hasher, PasswordHasher):
                yield hasher


def _of_hasher(hasher: PasswordHasher) -> Finding:
    profile = hasher.profile
    began = time.perf_counter()
    hasher.hash("a password to measure")
    took = time.perf_counter() - began
    words = f"argon2id with {profile.memory // 1024} MiB, {profile.time} passes: {took * 1000:.0f} ms on this machine"
    if profile.memory < OWASP_MINIMUM.memory or profile.time < OWASP_MINIMUM.time:
        fix = "leave out hasher=, or take PasswordHasher(OWASP_MINIMUM) at least: this one is for tests"
        return Finding("hash", False, words, fix)
    if took > _SLOW_HASH:
        return Finding("hash", None, words, "PasswordHasher(OWASP_MINIMUM) costs less, where logins wait too long")
    return Finding("hash", True, words)


def _of_pool(pool: WorkPool, memory: int) -> Finding:
    needed = pool.slots * memory // 1024
    words = f"{pool.slots} passwords are hashed at once in each process ({needed} MiB), and {pool.queue} more wait"
    return Finding("pool", True, words)


def _of_clock(now: float, installed: float) -> Finding:
    words = f"{moment(now)}"
    if now < installed:
        fix = "set the clock, and let it follow a time server: tokens are refused, or live too long, by a wrong one"
        return Finding("clock", False, f"{words}, which is before authmw was installed", fix)
    return Finding("clock", True, f"{words}; that of an issuer is compared where there is one")


def _of_log() -> Finding:
    if audit.logger.isEnabledFor(logging.INFO) and audit.logger.hasHandlers():
        return Finding("log", True, "each refusal is logged by authmw.audit, with its code")
    return Finding(
        "log",
        None,
        "refusals are not logged in this process, unless the server configures logging later",
        "write logging.basicConfig(level=logging.INFO) where the program starts",
    )
