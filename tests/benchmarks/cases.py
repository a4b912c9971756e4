"""The cases: floors, authmw in each place and the peers, beside the goals of the project."""

from __future__ import annotations

import base64
import hashlib
import hmac
import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from authmw import APIKeyHeader, Auth, HTTPBasic, HTTPBearer, HTTPDigest, Principal
from authmw.crypto.http_digest import ha1, ha2, hash_of, response
from authmw.crypto.key import Key
from authmw.crypto.keyring import KeyRing
from authmw.crypto.passwords import CHEAPEST, PasswordHasher
from authmw.flow import CallMode
from authmw.http.reasons import Reason
from authmw.http.request import RequestHead
from authmw.identity.credentials import BasicCredentials
from authmw.identity.verdict import Authenticated, Rejected, Verdict
from authmw.stores import MemoryApiKeys, MemoryRevocations, MemoryStores
from authmw.stores.revocation_feed import RevocationFeed
from authmw.verifiers.api_key import ApiKeyVerifier
from authmw.verifiers.digest import DigestVerifier
from authmw.verifiers.jwt import JWTVerifier
from tests.benchmarks import apps, flattened, peers
from tests.benchmarks.harness import USERS, Candidate, Row
from tests.benchmarks.requests import environ, fresh, scope, serve_asgi, serve_wsgi

ISSUER, AUDIENCE, SECRET = "https://issuer.example", "orders", "s" * 32
EXPIRES = 2**33
_NONCE_KEY = b"n" * 32
_MISSES = 512
_OF_JOSERFC = {"HS256": "0.30", "RS256": "0.58", "ES256": "0.70"}
"""The goal beside joserfc, for a token that is seen for the first time."""
_OF_PEERS_REMEMBERED = {"Starlette + joserfc": "0.04", "Authlib, Flask": "0.033", "Flask-JWT-Extended": "0.017"}
"""The goal beside peers, for a remembered token: a part of 25, 30 and 60."""


@dataclass(frozen=True, slots=True)
class Case:
    """Rows that are measured together, with good credentials of 64 users and some bad ones.

    Args:
        title: what the ratios are.
        rows: the lines of the table.
        places: where the credentials are sent.
        bad: what is sent in their place, to see what becomes of it; nothing where the case looks at answers itself.
        close: deletes what the case has made outside of this process.
        is_right: whether the answer to a good request, the n-th, is the right one.
        rounds: how many are measured at most, where each takes long.
    """

    title: str
    rows: list[Row]
    places: list[Places]
    bad: dict[str, str]
    close: Callable[[], None] = lambda: None
    is_right: Callable[[int, bytes], bool] = lambda number, body: body not in (b"", b"nobody")
    rounds: int = 1000


class Absent(Exception):
    """What a case needs is not there: why."""


class Headers(Sequence[str]):
    """Credentials that are made anew each time they are asked for, since each is good for one request."""

    def __init__(self, make: Callable[[int], str]) -> None:
        self._make = make

    def __len__(self) -> int:
        return USERS

    def __getitem__(self, index: Any) -> Any:
        return self._make(index)


class Places:
    """Makes candidates that send the credentials of one case.

    Args:
        header: where.
        values: one for each user.
        waits: whether the candidates wait for a database.
        form: what is posted to the token endpoint; nothing for a GET.
        path: what is asked for; by default the orders, or the token endpoint for a form.
    """

    def __init__(
        self, header: str, values: Sequence[str], *, waits: bool = False, form: str = "", path: str = ""
    ) -> None:
        self.header = header
        self.values = values
        self._waits = waits
        self._form = form
        self._path = path or ("/token" if form else "/orders")
        self.instead: str | None = None
        """What is sent in the place of good credentials, to see what becomes of bad ones."""

    def _value(self, number: int) -> str:
        return self.values[number % len(self.values)] if self.instead is None else self.instead

    def wsgi(self, name: str, app: apps.App) -> Candidate:
        """A WSGI application."""

        def make(number: int) -> dict[str, Any]:
            return environ(self.header, self._value(number), path=self._path, form=self._form)

        return Candidate(name, make, serve_wsgi(app), waits=self._waits)

    def asgi(self, name: str, app: apps.App) -> Candidate:
        """An ASGI application."""

        def make(number: int) -> dict[str, Any]:
            return scope(self.header, self._value(number), path=self._path, form=self._form)

        return Candidate(name, make, serve_asgi(app), is_async=True, waits=self._waits)

    def floor(self, name: str, work: Callable[[str], object]) -> Candidate:
        """A function of the bare credential."""
        return Candidate(name, lambda n: fresh(self._value(n)), work, waits=self._waits)


def claims(user: int) -> dict[str, Any]:
    """The claims of RFC 9068."""
    return {
        "iss": ISSUER,
        "sub": f"user-{user}",
        "aud": AUDIENCE,
        "exp": EXPIRES,
        "iat": 1_700_000_000,
        "jti": hashlib.sha256(str(user).encode()).hexdigest()[:32],
        "client_id": "web",
        "scope": "orders:read orders:write",
    }


def signing_key(alg: str) -> Any:
    """A key as PyJWT and cryptography know it."""
    if alg == "HS256":
        return SECRET
    if alg == "RS256":
        return rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return ec.generate_private_key(ec.SECP256R1()) if alg == "ES256" else ed25519.Ed25519PrivateKey.generate()


def ring(key: Any, alg: str) -> KeyRing:
    if alg == "HS256":
        return KeyRing(Key.from_secret(SECRET, alg=alg, kid="k1"))
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    pem = key.public_key().public_bytes(serialization.Encoding.PEM, form)
    return KeyRing(Key.from_pem(pem, alg=alg, kid="k1"))


def jwt_case(alg: str, *, remembered: bool) -> Case:
    """JWTs of one algorithm, remembered or seen for the first time."""
    private = signing_key(alg)
    public = private if alg == "HS256" else private.public_key()
    tokens = [
        jwt.encode(claims(user), private, alg, headers={"typ": "at+jwt", "kid": "k1"})
        for user in range(USERS)
    ]  # fmt: skip
    values = [f"Bearer {token}" for token in tokens]
    places = Places("Authorization", values)
    tokens_only = Places("Authorization", tokens)
    algorithm = jwt.get_algorithm_by_name(alg)
    prepared = algorithm.prepare_key(public)

    def signature_only(token: str) -> object:
        message, _, signature = token.rpartition(".")
        return algorithm.verify(message.encode(), prepared, base64.urlsafe_b64decode(signature + "=="))

    known = dict.fromkeys(tokens, True)
    f1 = tokens_only.floor(f"F1 jwt.decode {alg}", peers.pyjwt(public, alg, ISSUER, AUDIENCE))
    f2 = tokens_only.floor(f"F2 signature {alg}", signature_only)
    f3 = tokens_only.floor("F3 dict lookup", lambda token: known[token])
    auth = Auth(
        HTTPBearer(JWTVerifier(ring(private, alg), issuer=ISSUER, audience=AUDIENCE)),
        remember=4096 if remembered else 0,
    )
    wsgi, asgi = places.wsgi("raw WSGI", apps.bare_wsgi), places.asgi("raw ASGI", apps.bare_asgi)
    ours = _in_frameworks(places, auth, f1)
    goals = {"HS256": "0.28", "RS256": "0.52", "ES256": "0.72", "EdDSA": "0.79"}
    goal = {True: ("0.03", "0.05"), False: (goals[alg], goals[alg])}[remembered]
    rows = [
        Row("authmw, raw WSGI", places.wsgi("authmw WSGI", apps.guarded_wsgi(auth)), wsgi, f1, goal[0]),
        Row("authmw, raw ASGI", places.asgi("authmw ASGI", apps.guarded_asgi(auth)), asgi, f1, goal[1]),
        *ours.values(),
        Row("signature alone", f2, None, f1),
        Row("dict lookup", f3, None, f1),
    ]
    find = (flattened.remembered if remembered else flattened.first_seen)(auth)
    rows += _flattened(places, auth, find, wsgi, asgi, f1)
    all_places = [places]
    if remembered:
        followed = _followed(private, alg)
        rows += [
            Row("authmw, raw WSGI, feed", places.wsgi("feed WSGI", apps.guarded_wsgi(followed)), wsgi, f1, goal[0]),
            Row("authmw, raw ASGI, feed", places.asgi("feed ASGI", apps.guarded_asgi(followed)), asgi, f1, goal[1]),
        ]
    else:
        # Twice as many tokens as are remembered, so that each is a miss that is written down.
        misses = _all_misses(private, alg)
        guarded = misses.wsgi("authmw misses", apps.guarded_wsgi(_remembering(private, alg, _MISSES // 2)))
        rows += [
            Row("authmw, raw WSGI, all misses", guarded, wsgi, f1),
            Row("all misses / first seen, raw WSGI", guarded, wsgi, rows[0].candidate, "1.08", floor_bare=wsgi),
        ]
        all_places.append(misses)
    if alg != "EdDSA":
        check = peers.pyjwt(public, alg, ISSUER, AUDIENCE)
        theirs = {
            "Starlette + joserfc": places.asgi("peer joserfc", peers.starlette_joserfc(public, alg)),
            "Starlette + PyJWT": places.asgi("peer PyJWT", peers.starlette_pyjwt(check)),
            "FastAPI + PyJWT": places.asgi("peer FastAPI", peers.fastapi_pyjwt(check)),
            "Authlib, Flask": places.wsgi("peer Authlib", peers.flask_authlib(public, alg)),
            "Flask-JWT-Extended": places.wsgi("peer FJE", peers.flask_jwt_extended(public, alg)),
        }
        rows += _beside(ours, theirs, _OF_PEERS_REMEMBERED if remembered else {"Starlette + joserfc": _OF_JOSERFC[alg]})
    other = jwt.encode({**claims(0), "aud": "other"}, private, alg, headers={"typ": "at+jwt", "kid": "k1"})
    expired = jwt.encode({**claims(0), "exp": 1}, private, alg, headers={"typ": "at+jwt", "kid": "k1"})
    bad = {
        "none": "",
        "garbage": "Bearer garbage",
        "signature": values[0][:-6] + "AAAAAA",
        "expired": f"Bearer {expired}",
        "audience": f"Bearer {other}",
    }
    title = f"JWT {alg}, {'remembered' if remembered else 'first seen'}: overhead / jwt.decode"
    return Case(title, rows, all_places, bad)


def _followed(private: Any, alg: str) -> Auth:
    """The same, and nothing is recalled that the feed of revocations does not know to be good."""
    feed = RevocationFeed(MemoryRevocations())
    return Auth(HTTPBearer(JWTVerifier(ring(private, alg), issuer=ISSUER, audience=AUDIENCE, revocations=feed)))


def _remembering(private: Any, alg: str, size: int) -> Auth:
    """With room for that many tokens."""
    return Auth(HTTPBearer(JWTVerifier(ring(private, alg), issuer=ISSUER, audience=AUDIENCE)), remember=size)


def _all_misses(private: Any, alg: str) -> Places:
    """Tokens one after the other, so that each was forgotten before its turn comes again."""
    tokens = [jwt.encode(claims(n), private, alg, headers={"typ": "at+jwt", "kid": "k1"}) for n in range(_MISSES)]
    turn = itertools.count()
    return Places("Authorization", Headers(lambda _: f"Bearer {tokens[next(turn) % _MISSES]}"))


def _in_frameworks(places: Places, auth: Auth, floor: Candidate, *, of_asgi: Auth | None = None) -> dict[str, Row]:
    """authmw in each framework, by its name. `of_asgi` is for those of ASGI, if it is another one."""
    awaited = of_asgi or auth
    flask = places.wsgi("authmw Flask", apps.guarded_flask(auth)), places.wsgi("Flask", apps.flask_app())
    starlette = (
        places.asgi("authmw Starlette", apps.guarded_starlette(awaited)),
        places.asgi("Starlette", apps.starlette_app()),
    )
    fastapi = places.asgi("authmw FastAPI", apps.guarded_fastapi(awaited)), places.asgi("FastAPI", apps.fastapi_app())
    return {
        bare.name: Row(f"authmw, {bare.name}", guarded, bare, floor) for guarded, bare in (flask, starlette, fastapi)
    }


def _flattened(
    places: Places, auth: Auth, find: flattened.Find, wsgi: Candidate, asgi: Candidate, floor: Candidate
) -> list[Row]:
    """What bounds the rows of authmw without a framework."""
    by_wsgi = places.wsgi("flattened WSGI", flattened.wsgi(auth, places.header, find))
    by_asgi = places.asgi("flattened ASGI", flattened.asgi(auth, places.header, find))
    return [
        Row("flattened by hand, raw WSGI", by_wsgi, wsgi, floor),
        Row("flattened by hand, raw ASGI", by_asgi, asgi, floor),
    ]


def _beside(ours: dict[str, Row], theirs: dict[str, Candidate], goals: dict[str, str]) -> list[Row]:
    """A row for each peer, and one for what authmw takes in the framework of the peer, in times of the peer.

    Args:
        ours: the rows of authmw, by framework.
        theirs: the peers. The label of one has its framework in it.
        goals: of the second row, by the label of the peer.
    """
    rows: list[Row] = []
    compared: list[Row] = []
    for label, peer in theirs.items():
        row = next(ours[framework] for framework in ours if framework in label)
        rows.append(Row(label, peer, row.bare, row.floor))
        goal = goals.get(label, "")
        compared.append(Row(f"{row.label} / {label}", row.candidate, row.bare, peer, goal, floor_bare=row.bare))
    return rows + compared


@CallMode.NONBLOCKING
class TrivialCheck:
    """The trivial password check that each Basic candidate does."""

    def __init__(self, passwords: dict[str, bytes]) -> None:
        self._passwords = passwords
        # With their scheme, as our own verifiers name it: a principal without is copied to name it.
        self._principals = {name: Principal(name, scheme="HTTPBasic") for name in passwords}

    def verify(self, credentials: BasicCredentials, request: RequestHead, /) -> Verdict:
        """Compare in constant time."""
        known = self._passwords.get(credentials.username, b"")
        if hmac.compare_digest(known, credentials.password.encode()):
            return Authenticated(self._principals[credentials.username])
        return Rejected(Reason.PASSWORD_WRONG)


def basic_case() -> Case:
    """Basic with a trivial check: what the extraction and the middleware cost."""
    passwords = {f"user-{user}": f"password-{user}".encode() for user in range(USERS)}
    values = ["Basic " + base64.b64encode(f"{name}:".encode() + word).decode() for name, word in passwords.items()]
    places = Places("Authorization", values)

    def decode_and_compare(value: str) -> object:
        name, _, password = base64.b64decode(value[6:], validate=True).decode().partition(":")
        return hmac.compare_digest(passwords[name], password.encode())

    def check(username: str, password: str) -> Principal | None:
        known = passwords.get(username, b"")
        return Principal(username) if hmac.compare_digest(known, password.encode()) else None

    @CallMode.NONBLOCKING
    def quick(username: str, password: str) -> Principal | None:
        return check(username, password)

    floor = places.floor("decode + compare", decode_and_compare)
    # As docs/concepts/schemes.md says: under ASGI a function is called on a thread, unless it is marked.
    auth, auth_asgi, by_class = Auth(HTTPBasic(check)), Auth(HTTPBasic(quick)), Auth(HTTPBasic(TrivialCheck(passwords)))
    wsgi, asgi = places.wsgi("raw WSGI", apps.bare_wsgi), places.asgi("raw ASGI", apps.bare_asgi)
    ours = _in_frameworks(places, auth, floor, of_asgi=auth_asgi)
    theirs = {
        "Starlette by hand": places.asgi("peer Starlette", peers.starlette_basic(passwords)),
        "FastAPI HTTPBasic": places.asgi("peer FastAPI", peers.fastapi_basic(passwords)),
        "Flask-HTTPAuth": places.wsgi("peer HTTPAuth", peers.flask_httpauth_basic(passwords)),
    }
    rows = [
        Row("authmw, raw WSGI", places.wsgi("authmw WSGI", apps.guarded_wsgi(auth)), wsgi, floor, "2.2"),
        Row("authmw, raw ASGI", places.asgi("authmw ASGI", apps.guarded_asgi(auth_asgi)), asgi, floor, "2.5"),
        Row("on a thread, raw ASGI", places.asgi("thread ASGI", apps.guarded_asgi(auth)), asgi, floor),
        Row("by a class, raw WSGI", places.wsgi("class WSGI", apps.guarded_wsgi(by_class)), wsgi, floor, "2.2"),
        Row("by a class, raw ASGI", places.asgi("class ASGI", apps.guarded_asgi(by_class)), asgi, floor, "2.5"),
        *_flattened(places, auth_asgi, flattened.basic(auth_asgi, quick), wsgi, asgi, floor),
        *ours.values(),
        *_beside(ours, theirs, {"Starlette by hand": "0.6", "FastAPI HTTPBasic": "0.2", "Flask-HTTPAuth": "0.35"}),
    ]
    wrong = "Basic " + base64.b64encode(b"user-0:wrong").decode()
    bad = {"none": "", "garbage": "Basic %%%", "wrong": wrong}
    return Case("Basic, trivial check by a function: overhead / (decode + compare)", rows, [places], bad)


def digest_case() -> Case:
    """Digest SHA-256, with the uri checked and each count used once."""
    realm, password = "app", "correct horse battery staple"
    stores = MemoryStores(hasher=PasswordHasher(CHEAPEST))
    ha1s = {f"user-{user}": ha1(username=f"user-{user}", realm=realm, password=password) for user in range(USERS)}
    for name in ha1s:
        stores.users.create(name, password, id=name, digest_realm=realm)
    # They share a key, so that a nonce of one is good for the other.
    verifier, unthrottled = (
        DigestVerifier(stores.users, secret=_NONCE_KEY, nonces=stores.nonces, throttle=throttle)
        for throttle in (stores.throttle, None)
    )
    auth = Auth(HTTPDigest(verifier), realm=realm)
    plain = Auth(HTTPDigest(unthrottled), realm=realm)
    nonce, opaque = verifier.nonces.issue(realm), verifier.nonces.opaque(realm)
    counts = itertools.count(1)
    h = hash_of("SHA-256")

    def header(number: int) -> str:
        name, count = f"user-{number % USERS}", f"{next(counts):08x}"
        answer = response(
            h, ha1=ha1s[name], nonce=nonce, nc=count, cnonce="c", qop="auth", ha2=ha2(h, method="GET", uri="/orders")
        )
        return (
            f'Digest username="{name}", realm="{realm}", nonce="{nonce}", uri="/orders", algorithm=SHA-256, qop=auth, '
            f'nc={count}, cnonce="c", response="{answer}", opaque="{opaque}"'
        )

    def two_hashes(_: object) -> object:
        middle = hashlib.sha256(b"GET:/orders").hexdigest()
        return hashlib.sha256(f"{'a' * 64}:{nonce}:00000001:c:auth:{middle}".encode()).hexdigest()

    values = Headers(header)
    places = Places("Authorization", values)
    peer_values, peer = peers.flask_httpauth_digest(realm, "user-0", password)
    peer_places = Places("Authorization", peer_values)
    floor = Candidate("two hashes", lambda n: n, two_hashes)
    wsgi, asgi = places.wsgi("raw WSGI", apps.bare_wsgi), places.asgi("raw ASGI", apps.bare_asgi)
    ours = _in_frameworks(places, auth, floor)
    rows = [
        Row("authmw, raw WSGI", places.wsgi("authmw WSGI", apps.guarded_wsgi(auth)), wsgi, floor, "10"),
        Row("authmw, raw ASGI", places.asgi("authmw ASGI", apps.guarded_asgi(auth)), asgi, floor, "10"),
        Row("without a throttle, raw WSGI", places.wsgi("plain WSGI", apps.guarded_wsgi(plain)), wsgi, floor, "10"),
        Row("without a throttle, raw ASGI", places.asgi("plain ASGI", apps.guarded_asgi(plain)), asgi, floor, "10"),
        *ours.values(),
        *_beside(ours, {"Flask-HTTPAuth": peer_places.wsgi("peer HTTPAuth", peer)}, {"Flask-HTTPAuth": "0.35"}),
    ]
    bad = {"none": "", "garbage": "Digest a=b", "wrong": 'Digest username="user-0", response="0"'}
    return Case("Digest SHA-256, replay and uri checked: overhead / (two hashes)", rows, [places, peer_places], bad)


def api_key_case() -> Case:
    """API keys whose digest is looked up in memory, each time."""
    store = MemoryApiKeys()
    values = [store.create(f"user-{user}", scopes={"orders:read"})[0] for user in range(USERS)]
    digests = {hashlib.sha256(value.encode()).digest(): True for value in values}
    places = Places("X-API-Key", values)
    floor = places.floor("sha256 + dict", lambda value: digests[hashlib.sha256(value.encode()).digest()])
    auth = Auth(APIKeyHeader("X-API-Key", ApiKeyVerifier(store)))
    wsgi, asgi = places.wsgi("raw WSGI", apps.bare_wsgi), places.asgi("raw ASGI", apps.bare_asgi)
    ours = _in_frameworks(places, auth, floor)
    theirs = {
        "Starlette by hand": places.asgi("peer Starlette", peers.starlette_api_key(digests)),
        "FastAPI APIKeyHeader": places.asgi("peer FastAPI", peers.fastapi_api_key(digests)),
    }
    rows = [
        Row("authmw, raw WSGI", places.wsgi("authmw WSGI", apps.guarded_wsgi(auth)), wsgi, floor, "2.6"),
        Row("authmw, raw ASGI", places.asgi("authmw ASGI", apps.guarded_asgi(auth)), asgi, floor, "3.9"),
        *_flattened(places, auth, flattened.api_key(auth), wsgi, asgi, floor),
        *ours.values(),
        *_beside(ours, theirs, {"Starlette by hand": "0.45", "FastAPI APIKeyHeader": "0.15"}),
    ]
    bad = {"none": "", "garbage": "garbage", "unknown": values[0][:-1] + "_"}
    return Case("API key looked up in memory: overhead / (sha256 + dict)", rows, [places], bad)
