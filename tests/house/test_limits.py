"""Every limit is tested at its edge: what has exactly this size is taken, and what has one more is not."""

from __future__ import annotations

import ast
import importlib
import json
import re
import threading
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest

from authmw import ConfigurationError, HTTPBasic, PasswordVerifier, TrustedHeader
from authmw.crypto import legacy_hashes, passwords
from authmw.crypto.claims import ClaimRules, is_identifier
from authmw.crypto.dpop.proof import Proof, read_proof
from authmw.crypto.jose.strict_json import parse_object
from authmw.crypto.jws import JWSReader
from authmw.crypto.key import Key
from authmw.crypto.keyring import KeyRing
from authmw.events import Event, Revoked, log, on_event
from authmw.events.hub import hub
from authmw.http.grammar import parse_params
from authmw.http.next_path import safe_next
from authmw.http.target import is_canonical, query_values
from authmw.http.user_agent import agent_name
from authmw.identity.credentials import BasicCredentials
from authmw.identity.usernames import MAX_USERNAME_BYTES, canonical_username
from authmw.identity.verdict import Rejected
from authmw.issuers import IntrospectionVerifier
from authmw.issuers.keys.published_keys import PublishedKeys
from authmw.oauth2.client_assertion import asserted_client
from authmw.oauth2.lifetimes import Lifetimes
from authmw.pages import Look, language_of
from authmw.pages.parts import cut
from authmw.schemes.http_basic import MAX_PASSWORD, MAX_USERNAME
from authmw.stores import MemoryUsers
from tests.dpop_proofs import ASYMMETRIC, dpop_verifier, proof
from tests.jwt_tokens import SECRET, key_for, segment, token
from tests.oauth2.asking import Bench
from tests.requests import wsgi_request
from tests.support import ROOT


def is_made(make: Callable[[], object]) -> bool:
    try:
        make()
    except (ConfigurationError, ValueError):
        return False
    return True


def all_are_told(number: int) -> bool:
    """Whether a listener that is busy gets `number` events that happen meanwhile."""
    free, busy, told = threading.Event(), threading.Event(), list[Event]()

    def listen(event: Event) -> None:
        busy.set()
        free.wait(10)
        told.append(event)

    stop = on_event(listen)
    hub.emit(Revoked(kind="token", id=""))
    busy.wait(10)
    for _ in range(number):
        hub.emit(Revoked(kind="token", id=""))
    free.set()
    hub.flush(10)
    stop()
    return len(told) == number + 1


def basic(username: str, password: str) -> bool:
    from base64 import b64encode

    read = HTTPBasic().read(b64encode(f"{username}:{password}".encode()).decode())
    return isinstance(read, BasicCredentials)


def nested(depth: int) -> bool:
    return is_made(lambda: parse_object(b'{"a":' * depth + b"1" + b"}" * depth))


def headers_kept(number: int) -> bool:
    reader = JWSReader(KeyRing(key_for("HS256")))
    for each in range(number):
        reader.read(token(header={"x": each}))
    return reader.remembered == number


def pbkdf2(iterations: int) -> bool:
    return legacy_hashes.matches(password="p", encoded=f"pbkdf2:sha256:{iterations}$salt${bytes(32).hex()}")


def scrypt(work: int) -> bool:
    return legacy_hashes.matches(password="p", encoded=f"scrypt:{work}:1:1$salt${bytes(64).hex()}")


def bcrypt(cost: int) -> bool:
    return "more work" not in legacy_hashes.problem_with(f"$2b${cost:02}${'a' * 53}")


def sha_crypt(rounds: int) -> bool:
    return "more work" not in legacy_hashes.problem_with(f"$6$rounds={rounds}$salt${'a' * 86}")


def argon2(**changes: int) -> bool:
    """Whether a hash with these parameters would be verified; it is not."""
    costs = {"memory": 8, "time": 1, "lanes": 1, **changes}
    found = passwords._ARGON2.fullmatch(  # pyright: ignore[reportPrivateUsage] - the work would take minutes
        f"$argon2id$v=19$m={costs['memory']},t={costs['time']},p={costs['lanes']}$AAAA$AAAA"
    )
    assert found is not None
    return legacy_hashes.is_affordable_argon2(found)


def profile(**changes: int) -> bool:
    return is_made(lambda: passwords.Argon2Profile(**{"memory": 1024, "time": 1, "lanes": 1, **changes}))


def rules(leeway: float) -> Any:
    return ClaimRules.of(issuer=None, audience=None, types=("jwt",), leeway=leeway, required=())


def rsa_member(name: str, length: int) -> bool:
    """Whether a number of so many characters is looked at: what is longer is refused before."""
    jwk = {"kty": "RSA", "n": "A", "e": "AQAB", name: "A" * length}
    refused = read_proof(proof("t", header={"alg": "RS256", "jwk": jwk}), frozenset({"RS256"}))
    assert isinstance(refused, Rejected)
    return "4096 bits" not in refused.detail


def published(number: int) -> bool:
    jwk = Key.generate("EdDSA").public_jwk()
    keys = [{**(jwk or {}), "kid": str(each)} for each in range(number)]
    return is_made(lambda: PublishedKeys.of(json.dumps({"keys": keys}).encode()))


def form(length: int) -> bool:
    body = b"grant_type=refresh_token&refresh_token=rt_&x="
    return Bench().post(body + b"y" * (length - len(body))).status != 413


def searched(length: int) -> bool:
    return is_made(lambda: query_values("key=" + "v" * (length - 4), "key"))


def fields(number: int) -> bool:
    return is_made(lambda: query_values("key=v" + "&a=b" * (number - 1), "key"))


def params(length: int) -> bool:
    return parse_params("a=" + "v" * (length - 2)) is not None


def trusted(length: int) -> bool:
    scheme = TrustedHeader("X-Remote-User", proxies=["192.0.2.1"])
    request = wsgi_request(x_remote_user="u" * length)
    request.environ["REMOTE_ADDR"] = "192.0.2.1"
    return not isinstance(scheme.extract(request), Rejected)


def session_name(length: int) -> bool:
    return len(agent_name(wsgi_request(user_agent="a" * length))) == length


def logo(length: int) -> bool:
    start = "data:image/png;base64,"
    return is_made(lambda: Look(logo=start + "A" * (length - len(start))))


def jws(length: int) -> bool:
    """Whether a token of that length is looked at."""
    read = JWSReader(KeyRing(key_for("HS256"))).read("a" * length)
    assert isinstance(read, Rejected)
    return "longer than" not in read.detail


def assertion(length: int) -> bool:
    head = f"{segment({})}.{segment({'sub': 'shop'})}."
    return asserted_client(head + "A" * (length - len(head))) == "shop"


def dpop(length: int) -> bool:
    good = proof("t")
    return isinstance(read_proof(good + " " * (length - len(good)), frozenset(ASYMMETRIC)), Proof)


def introspection(keep: float = 30, leeway: float = 30) -> Any:
    options: dict[str, Any] = {"client_id": "api", "client_secret": "secret", "audience": "orders"}
    return IntrospectionVerifier("https://id.example/introspect", keep=keep, leeway=leeway, **options)


Probe = Callable[[Any], bool]
LIMITS: dict[str, tuple[float, Probe]] = {
    "authmw.http.next_path.MAX_NEXT": (2048, lambda n: safe_next("/" + "a" * (int(n) - 1), "") != ""),
    "authmw.crypto.claims.MAX_LEEWAY": (60, lambda n: is_made(lambda: rules(n))),
    "authmw.crypto.claims.MAX_LEEWAY of a proof": (60, lambda n: is_made(lambda: dpop_verifier(leeway=n))),
    "authmw.crypto.claims.MAX_LEEWAY of introspection": (60, lambda n: is_made(lambda: introspection(leeway=n))),
    "authmw.crypto.claims._MAX_TEXT": (255, lambda n: is_identifier("x" * n)),
    "authmw.crypto.jose.strict_json.MAX_DEPTH": (32, nested),
    "authmw.crypto.jws._MAX_HEADERS": (64, headers_kept),
    "authmw.crypto.key._MAX_KID": (255, lambda n: is_made(lambda: Key.from_secret(SECRET, kid="k" * n))),
    "authmw.crypto.passwords.MAX_PASSWORD_BYTES": (1024, lambda n: passwords.prepared("p" * n) is not None),
    "authmw.crypto.legacy_hashes.MAX_ARGON2_MEMORY_KIB": (2**21, lambda n: argon2(memory=n)),
    "authmw.crypto.legacy_hashes.MAX_ARGON2_TIME": (64, lambda n: argon2(time=n)),
    "authmw.crypto.legacy_hashes.MAX_ARGON2_LANES": (64, lambda n: argon2(lanes=n)),
    "authmw.crypto.legacy_hashes.MAX_ARGON2_MEMORY_KIB of a profile": (2**21, lambda n: profile(memory=n)),
    "authmw.crypto.legacy_hashes.MAX_ARGON2_TIME of a profile": (64, lambda n: profile(time=n)),
    "authmw.crypto.legacy_hashes.MAX_ARGON2_LANES of a profile": (64, lambda n: profile(lanes=n)),
    "authmw.http.grammar.MAX_CREDENTIAL_LENGTH": (8192, params),
    "authmw.http.grammar.MAX_CREDENTIAL_LENGTH of a token": (8192, jws),
    "authmw.http.grammar.MAX_CREDENTIAL_LENGTH of a proof": (8192, dpop),
    "authmw.http.grammar.MAX_CREDENTIAL_LENGTH of an assertion": (8192, assertion),
    "authmw.crypto.legacy_hashes.MAX_PBKDF2_ITERATIONS": (5_000_000, pbkdf2),
    "authmw.crypto.legacy_hashes.MAX_SCRYPT_WORK": (2**21, scrypt),
    "authmw.crypto.legacy_hashes.MAX_BCRYPT_COST": (16, bcrypt),
    "authmw.crypto.legacy_hashes.MAX_SHA_CRYPT_ROUNDS": (1_000_000, sha_crypt),
    "authmw.crypto.dpop.proof._LONGEST_RSA n": (683, lambda n: rsa_member("n", n)),
    "authmw.crypto.dpop.proof._LONGEST_RSA e": (6, lambda n: rsa_member("e", n)),
    "authmw.events.hub._MAX_WAITING": (1024, all_are_told),
    "authmw.events.records._MAX_TEXT": (256, lambda n: Revoked(kind="x" * n, id="").kind == "x" * n),
    "authmw.events.log._MAX_TEXT": (128, lambda n: log.printable("x" * n) == "x" * n),
    "authmw.http.target.MAX_SEARCHED": (65536, searched),
    "authmw.http.target._MAX_CANONICAL": (8192, lambda n: is_canonical("/" + "a" * (n - 1))),
    "authmw.http.target._MAX_QUERY_FIELDS": (1000, fields),
    "authmw.identity.usernames.MAX_USERNAME_BYTES": (256, lambda n: canonical_username("u" * n) is not None),
    "authmw.issuers.introspection.verifier.LONGEST_KEPT": (300, lambda n: is_made(lambda: introspection(n))),
    "authmw.issuers.keys.published_keys.MAX_KEYS": (100, published),
    "authmw.http.request.MAX_FORM": (65536, form),
    "authmw.oauth2.lifetimes.MAX_GRACE": (60, lambda n: is_made(lambda: Lifetimes(grace=n))),
    "authmw.http.user_agent._LONGEST": (200, session_name),
    "authmw.pages.languages.known.MAX_ACCEPT_LANGUAGE": (1024, lambda n: language_of("," * (n - 2) + "de") == "de"),
    "authmw.pages.look.MAX_LOGO": (64 * 1024, logo),
    "authmw.pages.look.MAX_NAME": (80, lambda n: is_made(lambda: Look("x" * n))),
    "authmw.pages.look.MAX_RADIUS": (24, lambda n: is_made(lambda: Look(radius=int(n)))),
    "authmw.pages.parts.LONGEST_SHOWN": (100, lambda n: cut("x" * n) == "x" * n),
    "authmw.schemes.http_basic.MAX_PASSWORD": (1024, lambda n: basic("u", "p" * n)),
    "authmw.schemes.http_basic.MAX_USERNAME": (256, lambda n: basic("u" * n, "p")),
    "authmw.schemes.trusted_header._MAX_NAME": (1024, trusted),
    "authmw.stores.records.LONGEST_ACCESS_TOKEN": (86_400, lambda n: is_made(lambda: Lifetimes(access=int(n)))),
    "authmw.stores.records.LONGEST_TOKEN": (
        400 * 86_400,
        lambda n: is_made(lambda: Lifetimes(refresh=int(n), idle=1)),
    ),
    "authmw.verifiers.password_memory.LONGEST_REMEMBERED": (
        3600,
        lambda n: is_made(lambda: PasswordVerifier(MemoryUsers(), remember_for=n)),
    ),
    "authmw.verifiers.dpop._MAX_AGE": (300, lambda n: is_made(lambda: dpop_verifier(max_age=n))),
}
"""Each limit by its name: its value, and whether something of a size is taken."""

HELD_ELSEWHERE = {
    "authmw.engine.open_connections.LONGEST_PAUSE": "tests/engine/test_open_connections.py",
    "authmw.login.mail._MOST": "tests/login/test_mail.py",
    "authmw.login.recovery._MOST_LINKS": "tests/login/test_attacks.py",
    "authmw.login.recovery._MOST_USERS": "tests/login/test_passwords.py",
    "authmw.engine.public_paths._MOST_ROOTS": "tests/engine/test_login_is_public.py",
    "authmw.engine.refusal_pages._MOST_TOLD": "tests/engine/test_refusal_pages.py",
    "authmw.engine.path_readings.LONGEST_READ": "tests/engine/test_path_rules.py",
    "authmw.engine.path_readings.MOST_READINGS": "tests/engine/test_path_rules.py",
    "authmw.engine.path_readings.MOST_READ": "tests/engine/test_path_rules.py",
    "authmw.http.request.MOST_PREFIXES": "tests/engine/test_path_rules.py",
    "authmw.engine.path_readings._MOST_METHODS": "tests/engine/test_path_rules.py",
    "authmw.stores.throttling.MAX_MARKS": "tests/stores/test_owners.py",
    "authmw.stores.throttling.MAX_NETWORKS": "tests/stores/test_owners.py",
    "authmw.engine.audit._MAX_FILE": "tests/engine/test_failures_of_applications.py",
    "authmw.engine.audit._MAX_PARTS": "tests/engine/test_failures_of_applications.py",
    "authmw.engine.readings._LONGEST_ESCAPE": "tests/engine/test_failures_of_applications.py",
    "authmw.engine.redaction.LONGEST": "tests/engine/test_failures_of_applications.py",
    "authmw.engine.redaction._MOST": "tests/engine/test_failures_of_applications.py",
    "authmw.engine.redaction._MOST_CHARACTERS": "tests/engine/test_failures_of_applications.py",
    "authmw.engine.readings._MOST_FOLDS": "tests/engine/test_failures_of_applications.py",
    "authmw.engine.redaction._MOST_OF_READINGS": "tests/engine/test_failures_of_applications.py",
    "authmw.engine.redaction._MOST_MARKS": "tests/engine/test_failures_of_applications.py",
    "authmw.engine.redaction._MOST_OF_FORMS": "tests/engine/test_failures_of_applications.py",
    "authmw.crypto.legacy_hashes.MAX_BCRYPT_BYTES": "tests/crypto/test_passwords.py",
    "authmw.crypto.legacy_hashes.MAX_SHA_CRYPT_WORK": "tests/crypto/test_passwords.py",
    "authmw.asgi.mcp.MAX_MESSAGE": "tests/asgi/test_mcp.py",
    "authmw.engine.protected_resource.MAX_AGE": "tests/engine/test_protected_resource.py",
    "authmw.engine.reached._MOST_REACHED": "tests/engine/test_wrappers.py",
    "authmw.engine.records._MOST_RECORDED": "tests/engine/test_wrappers.py",
    "authmw.flow.breaker._LONGEST_TRY": "tests/flow/test_breaker.py",
    "authmw.issuers.introspection.verifier.LONGEST_REFUSED": "tests/issuers/test_introspection_cache.py",
    "authmw.issuers.introspection.verifier._MOST_REFUSED": "tests/issuers/test_introspection_cache.py",
    "authmw.issuers.diagnosis.scopes._MOST": "tests/issuers/test_explain.py",
    "authmw.issuers.fetching.http_fetcher.MAX_BYTES": "tests/issuers/test_http_fetcher.py",
    "authmw.issuers.keys.key_cache._LONGEST_FETCH": "tests/issuers/test_attacks_on_issuers.py",
    "authmw.oauth2.client_assertion.LONGEST_ASSERTION": "tests/oauth2/test_client_assertion.py",
    "authmw.oauth2.cookies._LONGEST": "tests/oauth2/test_cookies.py",
    "authmw.oauth2.cookies._MOST_ENDED": "tests/oauth2/test_cookies.py",
    "authmw.oauth2.documents.MAX_AGE": "tests/oauth2/test_documents.py",
    "authmw.schemes.http_basic._MAX_ENCODED": "tests/schemes/test_http_basic.py",
    "authmw.stores.revocation_feed.LONGEST_PAUSE": "tests/stores/test_revocation_feed.py",
    "authmw.flow.bounded_cache._MOST_DROPPED": "tests/flow/test_bounded_cache.py",
    "authmw.issuers.keys.key_cache._MAX_NOT_FOUND": "tests/flow/test_bounded_cache.py",
    "authmw.verifiers.api_key._MAX_KNOWN": "tests/flow/test_bounded_cache.py",
    "authmw.verifiers.api_key._MAX_KNOWN_IN_MEMORY": "tests/verifiers/test_api_key_verifier.py",
    "authmw.verifiers.jwt._MAX_KEPT": "tests/verifiers/test_jwt_verifier.py",
    "authmw.verifiers.password_memory._MOST_OTHERS": "tests/verifiers/test_password_memory.py",
    "authmw.verifiers.password_memory._MOST_REMEMBERED": "tests/verifiers/test_password_memory.py",
}
"""Limits that a test elsewhere holds: they need a server, a session or a whole application, or are sizes of caches."""


@pytest.fixture(autouse=True)
def _no_work(monkeypatch: pytest.MonkeyPatch) -> None:
    """Old hashes are not computed: the largest that are allowed take seconds."""

    def pbkdf2_hmac(*_: object) -> bytes:
        return bytes(32)

    def scrypt(*_: object, **__: object) -> bytes:
        return bytes(64)

    monkeypatch.setattr("hashlib.pbkdf2_hmac", pbkdf2_hmac)
    monkeypatch.setattr("hashlib.scrypt", scrypt)


@pytest.mark.parametrize("name", LIMITS)
def test_what_is_as_large_as_a_limit_is_taken_and_what_is_larger_is_not(name: str) -> None:
    limit, is_taken = LIMITS[name]
    assert (is_taken(limit - 1), is_taken(limit), is_taken(limit + 1)) == (True, True, False)


def constants() -> Iterator[str]:
    """The names of all limits in the sources of the core."""
    for path in (ROOT / "authmw").rglob("*.py"):
        if "cli" in path.relative_to(ROOT).parts:
            continue
        module = ".".join(path.relative_to(ROOT).with_suffix("").parts)
        for node in ast.parse(path.read_text()).body:
            target = node.target if isinstance(node, ast.AnnAssign) else getattr(node, "targets", [None])[0]
            if isinstance(target, ast.Name) and re.match("_?(?:MAX|LONGEST|MOST|LARGEST)_", f"{target.id}_"):
                yield f"{module}.{target.id}"


def test_a_leeway_is_not_negative() -> None:
    makers: tuple[Callable[..., object], ...] = (rules, dpop_verifier, introspection)
    for make in makers:
        assert is_made(partial(make, leeway=0))
        assert not is_made(partial(make, leeway=-1))


def test_what_lives_lives_longer_than_no_time() -> None:
    assert (is_made(lambda: dpop_verifier(max_age=1)), is_made(lambda: dpop_verifier(max_age=0))) == (True, False)
    assert (is_made(lambda: introspection(0)), is_made(lambda: introspection(-1))) == (True, False)
    for name in ("access", "refresh", "idle"):
        made = [is_made(partial(Lifetimes, **{"idle": 1, name: n})) for n in (0, 1)]
        assert made == [False, True], name
    assert (is_made(lambda: Lifetimes(grace=0)), is_made(lambda: Lifetimes(grace=-1))) == (True, False)


def test_no_limit_is_left_out() -> None:
    known = {*(name.partition(" ")[0] for name in LIMITS), *HELD_ELSEWHERE}
    assert known == set(constants()), "a new limit goes into LIMITS, or into HELD_ELSEWHERE with the test that holds it"


def test_what_holds_a_limit_elsewhere_is_there() -> None:
    assert [path for path in HELD_ELSEWHERE.values() if not (ROOT / path).is_file()] == []


def test_each_limit_has_the_value_that_is_written_here() -> None:
    for name, (value, _) in LIMITS.items():
        module, _, constant = name.partition(" ")[0].rpartition(".")
        found = getattr(importlib.import_module(module), constant)
        assert (found[name[-1]] if isinstance(found, dict) else found) == value, name


def test_limits_that_are_written_in_two_rooms_are_the_same() -> None:
    assert (MAX_USERNAME, MAX_PASSWORD) == (MAX_USERNAME_BYTES, passwords.MAX_PASSWORD_BYTES)
