"""Numbers in the docs are those of the code."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import pytest

from authmw import Auth, DigestVerifier, DPoPVerifier, Issuer, JWTVerifier, PasswordVerifier
from authmw.asgi import mcp
from authmw.crypto import opaque_tokens, passwords
from authmw.http.grammar import MAX_CREDENTIAL_LENGTH
from authmw.http.next_path import MAX_NEXT
from authmw.http.request import MAX_FORM
from authmw.identity.usernames import MAX_USERNAME_BYTES
from authmw.issuers import DPoPNonces
from authmw.issuers.fetching.http_fetcher import MAX_BYTES, TIMEOUT
from authmw.issuers.introspection.verifier import IntrospectionVerifier
from authmw.issuers.keys.cache_policy import CachePolicy
from authmw.oauth2 import Lifetimes, Runtime
from authmw.oauth2.client_assertion import LONGEST_ASSERTION
from authmw.oauth2.documents import MAX_AGE
from authmw.pages import LANGUAGES
from authmw.stores import MemoryNonces
from authmw.stores.records import LONGEST_ACCESS_TOKEN, LONGEST_TOKEN, REVOCATION_MARGIN
from tests.house.test_docs import blocks
from tests.support import ROOT

KIB, DAY = 1024, 86_400


def default(of: Callable[..., Any], name: str) -> Any:
    return inspect.signature(of).parameters[name].default


def lines_of_first_program(page: str) -> int:
    """The lines of the first block of Python that are not empty."""
    program = next(blocks((ROOT / page).read_text())).code
    return len([line for line in program.splitlines() if line.strip()])


# The page, what stands in it, and the values that the code has beside those that the page says.
NUMBERS: list[tuple[str, str, object, object]] = [
    ("README.md", "## A service in eight lines", lines_of_first_program("README.md"), 8),
    ("README.md", "refuses a revoked token within a second", Runtime().revocation_bound, 1.0),
    ("docs/why.md", "refuses what was revoked within a second", Runtime().revocation_bound, 1.0),
    ("docs/command.md", "which may live 400 days at most", LONGEST_TOKEN, 400 * DAY),
    ("docs/concepts/a-request.md", "`remember=4096` of them", default(Auth, "remember"), 4096),
    ("docs/concepts/refusals.md", "with at most 2048 characters", MAX_NEXT, 2048),
    ("docs/concepts/stores.md", "does not answer within two seconds", default(Auth, "store_timeout"), 2.0),
    ("docs/issuers/dpop.md", "exactly one, of 8 KiB at most", MAX_CREDENTIAL_LENGTH, 8 * KIB),
    ("docs/issuers/dpop.md", "not older than `max_age=60` seconds", default(DPoPVerifier, "max_age"), 60),
    ("docs/issuers/dpop.md", "give or take `leeway=30`", default(DPoPVerifier, "leeway"), 30),
    ("docs/issuers/dpop.md", "The store in memory keeps 100,000 of them", default(MemoryNonces, "size"), 100_000),
    ("docs/issuers/dpop.md", "about seventeen such clients", default(MemoryNonces, "size").bit_length(), 17),
    ("docs/issuers/dpop.md", "DPoPNonces(secret, max_age=300)", default(DPoPNonces, "max_age"), 300),
    ("docs/issuers/index.md", "5 minutes to 24 hours", (CachePolicy().least, CachePolicy().most), (300, DAY)),
    ("docs/issuers/index.md", "go on for a day", CachePolicy().stale, DAY),
    ("docs/issuers/index.md", "after 1, 2, 4 … 60 s", (CachePolicy().first_retry, CachePolicy().last_retry), (1, 60)),
    ("docs/issuers/index.md", "reads no more than 1 MiB", MAX_BYTES, KIB * KIB),
    ("docs/issuers/index.md", "gives up after 5 seconds in all", TIMEOUT, 5),
    ("docs/issuers/introspection.md", "is kept for 30 seconds", default(IntrospectionVerifier, "keep"), 30),
    ("docs/issuers/introspection.md", "for 4096 tokens", default(IntrospectionVerifier, "size"), 4096),
    ("docs/issuers/mcp.md", "up to 4 MiB", mcp.MAX_MESSAGE, 4 * KIB * KIB),
    ("docs/key-rings.md", "from `/jwks.json` for five minutes", MAX_AGE, 300),
    ("docs/key-rings.md", "and 30 seconds for clocks that differ", default(JWTVerifier, "leeway"), 30),
    ("docs/operating/fleet.md", "Verifiers bear a difference of 30 seconds", default(Issuer, "leeway"), 30),
    ("docs/tutorial/password-login.md", "An access token lives for ten minutes", Lifetimes().access, 600),
    ("docs/tutorial/password-login.md", "that asks twice within 30 seconds", Lifetimes().grace, 30),
    ("docs/tutorial/machines.md", "remembers for 60 seconds", default(PasswordVerifier, "remember_for"), 60),
    ("docs/tutorial/browsers.md", "are in six languages", len(LANGUAGES), 6),
    ("docs/tutorial/deploy.md", "refuse it within a second", Runtime().revocation_bound, 1.0),
    ("docs/operating/revocation.md", "and two minutes more for clocks that differ", REVOCATION_MARGIN, 120),
    ("docs/operating/revocation.md", "the day that an access token may live at most", LONGEST_ACCESS_TOKEN, DAY),
    ("docs/recipes/api-keys.md", "Keys are random (160 bits and more)", 62**opaque_tokens.RANDOM_LENGTH > 2**160, True),
    ("docs/recipes/basic.md", "A name of more than 256 bytes", MAX_USERNAME_BYTES, 256),
    ("docs/recipes/basic.md", "a password of more than 1,024", passwords.MAX_PASSWORD_BYTES, 1024),
    ("docs/recipes/digest.md", "A nonce is good for `max_age=300` seconds", default(DigestVerifier, "max_age"), 300),
    ("docs/security/checklist.md", "for 60 seconds the process", default(PasswordVerifier, "remember_for"), 60),
    ("docs/security/checklist.md", "Under ASGI a store has two seconds", default(Auth, "store_timeout"), 2.0),
    ("docs/security/index.md", "within its bound, one second by default", Runtime().revocation_bound, 1.0),
    ("docs/security/threats.md", "8 KiB before anything is split", MAX_CREDENTIAL_LENGTH, 8 * KIB),
    ("docs/security/threats.md", "1 MiB and 5 seconds at most", (MAX_BYTES, TIMEOUT), (KIB * KIB, 5)),
    ("docs/security/threats.md", "has expired and two minutes more", REVOCATION_MARGIN, 120),
    ("docs/security/threats.md", "it is valid for an hour at most", LONGEST_ASSERTION, 3600),
    ("docs/tokens/clients.md", "`exp` is an hour ahead at most", LONGEST_ASSERTION, 3600),
    ("docs/tokens/index.md", "more than 64 KiB", MAX_FORM, 64 * KIB),
    ("docs/tokens/index.md", "Documents may be cached for five minutes", MAX_AGE, 300),
    ("docs/tokens/sessions.md", "| `access` | 10 minutes |", Lifetimes().access, 600),
    ("docs/tokens/sessions.md", "| `idle` | 14 days |", Lifetimes().idle, 14 * DAY),
    ("docs/tokens/sessions.md", "| `refresh` | 30 days |", Lifetimes().refresh, 30 * DAY),
    ("docs/tokens/sessions.md", "`Lifetimes(grace=30)`", Lifetimes().grace, 30),
]


@pytest.mark.parametrize("page, text, value, said", NUMBERS, ids=[f"{page}: {text}" for page, text, *_ in NUMBERS])
def test_a_number_in_the_docs_is_that_of_the_code(page: str, text: str, value: object, said: object) -> None:
    assert text in (ROOT / page).read_text()
    assert value == said
