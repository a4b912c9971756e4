"""What bounds a row: the duties of authmw for one scheme, written by hand into two functions for this case alone.

One function finds the caller of a header, the other one passes the request through the application. They owe what the
middlewares owe to such a request: a second header and any other spelling are left to authmw, as every refusal is; the
caller is an immutable principal in the environ or scope and in the context variable while the application runs, and not
after it; responses say what they vary by; who listens is told. They leave out rules, adapters, streams, open
connections, own engines and verifiers, and the layers by which authmw serves all of this with the same code.
"""

from __future__ import annotations

import time
from binascii import Error, a2b_base64
from collections.abc import Callable
from hashlib import sha256
from logging import DEBUG
from typing import Any, Final

from authmw import Auth, Principal
from authmw.asgi.middleware import GrantedScopes
from authmw.crypto.jose.strict_json import parse_object
from authmw.engine import audit
from authmw.engine.authentication import ENDED, PRIVATE, Authentication
from authmw.engine.context import Call
from authmw.events.hub import hub
from authmw.http.grammar import MAX_CREDENTIAL_LENGTH
from authmw.identity.calling import current_call
from tests.benchmarks import apps

Find = Callable[[str], Authentication | None]
"""Finds the caller by the value of the header; None where authmw has to look."""

_CACHE_CONTROL: Final = len("cache-control")
_FROM_URL_SAFE: Final = bytes.maketrans(b"-_+/=", b"+/!!!")
_PADDING: Final = (b"", b"===", b"==", b"=")
_LAST: Final = (None, b"", b"AQgw", b"AEIMQUYcgkosw048")
_IN_TOKEN68: Final = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~+/"
_LATEST: Final = 2**53
_LONGEST: Final = 255


class _Passing(Call):
    """One request, while the application serves it."""

    def __init__(self, authentication: Authentication, headers: list[Any], send: Any, private: list[Any]) -> None:
        self.authentication = authentication
        self._headers = headers
        self._send = send
        self._private = private

    def start_response(self, status: str, headers: list[Any], exc_info: Any = None) -> Any:
        if self.refused is not None:
            raise NotImplementedError
        own = self._headers
        if self.authentication.headers:
            for name, _ in headers:
                if len(name) == _CACHE_CONTROL and name.lower() == "cache-control":
                    break
            else:
                own = self._private
        if exc_info is None:
            return self._send(status, [*headers, *own])
        return self._send(status, [*headers, *own], exc_info)

    def send(self, message: Any) -> Any:
        if message["type"] == "http.response.start":
            headers = message.get("headers", ())
            if self.refused is not None:
                raise NotImplementedError
            own = self._headers
            if self.authentication.headers:
                for name, _ in headers:
                    if len(name) == _CACHE_CONTROL and name.lower() == b"cache-control":
                        break
                else:
                    own = self._private
            message = dict(message)
            message["headers"] = [*headers, *own]
        return self._send(message)


def wsgi(auth: Auth, header: str, find: Find) -> apps.App:
    """The bare application of WSGI behind both functions, with authmw for all that they leave to it."""
    app, guarded = apps.bare_wsgi, apps.guarded_wsgi(auth)
    name = "HTTP_" + header.upper().replace("-", "_")
    vary = [("Vary", auth.vary)]
    private = [*vary, PRIVATE]
    alone = name != "HTTP_AUTHORIZATION"

    def serve(environ: Any, start_response: Any) -> Any:
        value = environ.get(name)
        found = None if value is None or (alone and "HTTP_AUTHORIZATION" in environ) else find(value)
        if found is None or hub.listening or audit.logger.isEnabledFor(DEBUG):
            return guarded(environ, start_response)
        principal, scheme = found.principal, found.scheme
        environ["authmw.principal"] = principal
        environ["authmw.scopes"] = principal.scopes
        environ["REMOTE_USER"] = principal.id
        environ["AUTH_TYPE"] = scheme.auth_type if scheme else ""
        call = _Passing(found, vary, start_response, private)
        token = current_call.set(call)
        try:
            body = app(environ, call.start_response)
        finally:
            current_call.reset(token)
        if type(body) is not list:
            raise NotImplementedError
        call.authentication = ENDED
        return body

    return serve


def asgi(auth: Auth, header: str, find: Find) -> apps.App:
    """The same for ASGI."""
    app, guarded = apps.bare_asgi, apps.guarded_asgi(auth)
    sought = header.lower().encode()
    vary = [(b"vary", auth.vary.encode())]
    private = [*vary, (b"cache-control", b"private")]

    async def serve(scope: Any, receive: Any, send: Any) -> None:
        value, others = None, 0
        for name, one in scope["headers"]:
            if name == sought:
                others += value is not None
                value = one
            elif name == b"authorization":
                others += 1
        found = None if value is None or others or scope["type"] != "http" else find(value.decode("latin-1"))
        if found is None or hub.listening or audit.logger.isEnabledFor(DEBUG):
            await guarded(scope, receive, send)
            return
        principal = found.principal
        exposed = dict(scope)
        exposed["authmw.principal"] = exposed["user"] = principal
        exposed["authmw.scopes"] = principal.scopes
        exposed["auth"] = GrantedScopes(principal)
        call = _Passing(found, vary, send, private)
        token = current_call.set(call)
        try:
            await app(exposed, receive, call.send)
        finally:
            current_call.reset(token)
            call.authentication = ENDED

    return serve


def remembered(auth: Auth) -> Find:
    """A token that was seen before."""
    memo: Any = auth.memo
    entries, verifier = memo._entries, memo._verifier

    def find(value: str) -> Authentication | None:
        if verifier.version != memo._seen:
            return None
        entry = entries.get(sha256(value.encode("utf-8", "surrogatepass")).digest())
        if entry is None or not time.time() < entry[1] or entry[2] is not None or entry[3] != memo._generation:
            return None
        found: Authentication = entry[0]
        return found

    return find


def api_key(auth: Auth) -> Find:
    """A key that was seen before, and that the store answers again."""
    verifier: Any = auth.schemes[0].verifier
    entries, find_key = verifier._known._entries, verifier._keys.find_key

    def find(value: str) -> Authentication | None:
        sought = sha256(value.encode("utf-8", "surrogatepass")).hexdigest()
        entry = entries.get(sought)
        if entry is None or "," in value:
            return None
        known = entry[0]
        try:
            record = find_key(sought)
        except Exception:
            return None
        if record is not known.record or not time.time() < min(known.valid_until, known.touch_at):
            return None
        found: Authentication | None = known.verdict.result
        return found

    return find


def basic(auth: Auth, check: Callable[[str, str], Principal | None]) -> Find:
    """A user name and a password, checked by a function."""
    scheme = auth.schemes[0]

    def find(value: str) -> Authentication | None:
        name, _, encoded = value.partition(" ")
        if name != "Basic" or "," in encoded or len(encoded) > MAX_CREDENTIAL_LENGTH:
            return None
        try:
            raw = a2b_base64(encoded, strict_mode=True)
            text = raw.decode("utf-8")
        except (Error, ValueError):
            return None
        if encoded.endswith("=") and (
            encoded[-2] not in "=AEIMQUYcgkosw048" or (encoded[-2] == "=" and encoded[-3] not in "AQgw")
        ):
            return None
        username, colon, password = text.partition(":")
        if not colon or not username or not password or len(raw) > _LONGEST or not text.isprintable():
            return None
        try:
            principal: Any = check(username, password)
        except Exception:
            return None
        if not isinstance(principal, Principal) or not principal.is_authenticated or principal.expires_at is not None:
            return None
        if principal.scheme != scheme.name:
            principal = principal.authenticated_by(scheme.name)
        return Authentication(principal, scheme)

    return find


def first_seen(auth: Auth) -> Find:
    """A JWT of one issuer and one audience, whose signature and claims are checked."""
    scheme = auth.schemes[0]
    verifier: Any = scheme.verifier
    reader, rules = verifier.reader, verifier.rules
    issuer, audiences, leeway, clock = rules.issuer, rules.audiences, rules.leeway, time.time
    scopes_of, made_of = verifier.granted, verifier._principal

    def find(value: str) -> Authentication | None:
        name, _, token = value.partition(" ")
        if name != "Bearer" or len(token) > MAX_CREDENTIAL_LENGTH or not token.isascii():
            return None
        octets = token.encode()
        if octets.translate(None, _IN_TOKEN68):
            return None
        segments = octets.split(b".", 3)
        if len(segments) != 3:
            return None
        head, body, tail = segments
        keys, known = reader._known
        header = known.get(head)
        if header is None or keys is not reader.ring.current or header.typ not in rules.types:
            return None
        rest, more = len(tail) % 4, len(body) % 4
        if (rest and tail[-1] not in _LAST[rest]) or (more and body[-1] not in _LAST[more]):  # type: ignore[operator]
            return None
        (key,) = header.keys
        try:
            signature = a2b_base64(tail.translate(_FROM_URL_SAFE) + _PADDING[rest], strict_mode=True)
            if not key.verify(octets[: -len(tail) - 1], signature):
                return None
            payload = a2b_base64(body.translate(_FROM_URL_SAFE) + _PADDING[more], strict_mode=True)
            claims = parse_object(payload)
        except ValueError:
            return None
        get = claims.get
        now = clock()
        expires, begins, issued = get("exp"), get("nbf", 0), get("iat", 0)
        if not (type(expires) is int and type(begins) is int and type(issued) is int) or "cnf" in claims:
            return None
        if get("iss") != issuer or get("aud") not in audiences or not now - leeway < expires < _LATEST:
            return None
        if not 0 <= begins <= now + leeway or not 0 <= issued <= now + leeway:
            return None
        for text in (get("sub"), get("jti"), get("client_id")):
            if not isinstance(text, str) or not 0 < len(text) <= _LONGEST or not text.isprintable():
                return None
        principal = made_of(claims, scopes_of(claims), payload)
        return Authentication(principal, scheme, (), False, None, None, verifier._leeway)

    return find
