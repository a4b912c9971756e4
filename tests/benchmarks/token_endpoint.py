"""The token endpoint: client credentials, for JWTs and for opaque tokens.

There is no row for HS256: the token service takes key pairs only, since whoever verifies must not be able to sign.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any

import jwt
from cryptography.hazmat.primitives import serialization

import authmw.asgi
import authmw.wsgi
from authmw.crypto.key import Key
from authmw.crypto.keyring import KeyRing
from authmw.crypto.opaque_tokens import token_digest
from authmw.oauth2.service import TokenService
from authmw.stores import MemoryStores
from tests.benchmarks import apps, token_peers
from tests.benchmarks.cases import AUDIENCE, ISSUER, Case, Places, claims, signing_key
from tests.benchmarks.harness import USERS, Candidate, Row

SCOPES = ["orders:read", "orders:write"]
_OF_AUTHLIB = {"RS256": "0.75", "ES256": "0.25"}


def client_credentials_case(alg: str) -> Case:
    """Each client authenticates by its secret, and gets a token of its own; clients are in memory."""
    key = signing_key(alg)
    stores = MemoryStores()
    made = [stores.clients.create(f"client-{number}", scopes=SCOPES) for number in range(USERS)]
    secrets = {client.id: secret or "" for secret, client in made}
    values = [_basic(name, secret) for name, secret in secrets.items()]
    places = Places("Authorization", values, form="grant_type=client_credentials&scope=orders%3Aread+orders%3Awrite")
    floor = _encoding(key, alg)
    signed, opaque = service(stores, private_ring(key, alg)), service(stores, None)
    wsgi, asgi = places.wsgi("raw WSGI", apps.bare_wsgi), places.asgi("raw ASGI", apps.bare_asgi)
    flask = places.wsgi("Flask", token_peers.bare_flask())
    ours = places.wsgi("authmw WSGI", authmw.wsgi.Mount(signed))
    goal = {"RS256": "1.06", "ES256": "1.15", "EdDSA": ""}[alg]
    rows = [
        Row("authmw, raw WSGI", ours, wsgi, floor, goal),
        Row(
            "authmw, raw ASGI",
            places.asgi("authmw ASGI", authmw.asgi.Mount(signed)),
            asgi,
            floor,
            goal,
        ),
        Row("signature alone", Candidate("sign", lambda n: n, _signing(key, alg)), None, floor),
    ]
    if alg != "EdDSA":
        peer = places.wsgi("peer Authlib", token_peers.authlib(secrets, key, alg))
        rows += [
            Row("Authlib, Flask", peer, flask, floor),
            Row("authmw, raw WSGI / Authlib, Flask", ours, wsgi, peer, _OF_AUTHLIB[alg], floor_bare=flask),
        ]
    if alg == "ES256":
        theirs = places.wsgi("peer Authlib opaque", token_peers.authlib(secrets))
        rows += [
            Row(
                "authmw, opaque, raw WSGI",
                places.wsgi("authmw opaque", authmw.wsgi.Mount(opaque)),
                wsgi,
                floor,
            ),
            Row("Authlib, opaque, Flask", theirs, flask, floor),
        ]
    bad = {
        "none": "",
        "garbage": "Basic %%%",
        "wrong": _basic("client-0", "wrong"),
        "unknown": _basic("client-x", secrets["client-0"]),
    }
    title = f"Token endpoint, client credentials, {alg}: overhead / jwt.encode"
    return Case(title, rows, [places], bad, is_right=_Answers(key, alg, stores))


def service(stores: Any, ring: KeyRing | None) -> TokenService:
    """A token service as it is configured by default, with the password grant."""
    return TokenService(issuer=ISSUER, audience=AUDIENCE, stores=stores, keys=ring, password=True)


def private_ring(key: Any, alg: str) -> KeyRing:
    """A ring with one key pair."""
    form = serialization.PrivateFormat.PKCS8
    pem = key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption())
    return KeyRing(Key.from_pem(pem, alg=alg, kid="k1"))


class _Answers:
    """Whether an answer holds a token about the client that asked."""

    def __init__(self, key: Any, alg: str, stores: MemoryStores) -> None:
        self._key = key.public_key()
        self._alg = alg
        self._stores = stores

    def __call__(self, number: int, body: bytes) -> bool:
        answer = json.loads(body)
        token = answer["access_token"]
        if "." in token:
            subject = jwt.decode(token, self._key, [self._alg], issuer=ISSUER, audience=AUDIENCE)["sub"]
        else:
            record = self._stores.tokens.find_token(token_digest(token))
            subject = token_peers.subject_of(token) if record is None else record.subject
        return subject == f"client-{number % USERS}" and set(answer["scope"].split()) == set(SCOPES)


def _basic(name: str, secret: str) -> str:
    return "Basic " + base64.b64encode(f"{name}:{secret}".encode()).decode()


def _encoding(key: Any, alg: str) -> Candidate:
    headers = {"typ": "at+jwt", "kid": "k1"}
    return Candidate(f"jwt.encode {alg}", claims, lambda said: jwt.encode(said, key, alg, headers=headers))


def _signing(key: Any, alg: str) -> Callable[[object], bytes]:
    algorithm = jwt.get_algorithm_by_name(alg)
    prepared = algorithm.prepare_key(key)
    message = jwt.encode(claims(0), key, alg).rpartition(".")[0].encode()

    def sign(_: object) -> bytes:
        return algorithm.sign(message, prepared)

    return sign
