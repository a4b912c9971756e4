"""Client authentication (RFC 6749 §2.3): by a secret in a header or the body, by a signed assertion, or by name only.

Every failure has the same response (RFC 6749 §5.2), the same questions to the store and the same work, so that a
client cannot find out which other clients exist.
"""

from __future__ import annotations

from hmac import compare_digest
from typing import Final, NamedTuple, Protocol

from authmw.crypto.opaque_tokens import token_digest
from authmw.errors import FlowError
from authmw.flow.flow import Ask, Flow
from authmw.http.form import Form, unescaped
from authmw.http.grammar import MAX_CREDENTIAL_LENGTH, Authorization
from authmw.http.reasons import Reason
from authmw.http.request import RequestHead
from authmw.identity.verdict import Rejected
from authmw.oauth2.client_assertion import AssertionVerification, asserted_client, judge_assertion
from authmw.oauth2.reply import OAuthError, invalid_client, invalid_request, throttled
from authmw.schemes.http_basic import decode_base64
from authmw.stores.new_records import is_client_id
from authmw.stores.ports import ClientStore
from authmw.stores.records import Client, ClientAuthMethod
from authmw.verifiers.accounts import Attempts

ASSERTION_TYPE: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
# An access token authenticates no client. Pages send their old one with each request, also when they ask for a new one.
_OF_TOKENS: Final = frozenset({"bearer", "dpop"})
"""RFC 7523 §2.2."""
_NO_DIGEST: Final = "0" * 64
_NOTHING: Final = b":"  # Swagger UI sends this for a client without id and secret


class ClientRegistry(Protocol):
    """The clients that there are."""

    @property
    def clients(self) -> ClientStore:
        """Registered clients."""
        ...

    @property
    def own_client(self) -> Client:
        """The client that stands for the first-party application while no client of that id is registered."""
        ...


class ClientAuthentication(ClientRegistry, AssertionVerification, Protocol):
    """What clients are authenticated with."""

    @property
    def password(self) -> bool:
        """Whether the password grant is offered."""
        ...

    @property
    def first_party(self) -> str:
        """The ``client_id`` of the first-party application."""
        ...

    @property
    def realm(self) -> str:
        """Named in the challenge of clients."""
        ...

    @property
    def client_attempts(self) -> Attempts:
        """Limits the sources of wrong secrets of clients."""
        ...


class _Presented(NamedTuple):
    """The client credentials of a request, by one method.

    Args:
        method: the authentication method.
        client_id: the client's id, not verified yet; empty for the first-party application, which may leave it out.
        proof: the secret or the assertion.
        basic: an ``Authorization`` header was used.
    """

    method: ClientAuthMethod
    client_id: str
    proof: str = ""
    basic: bool = False

    def __repr__(self) -> str:
        return f"_Presented(method={self.method!r}, client_id={self.client_id!r})"  # the proof is a secret


def authenticate_client(service: ClientAuthentication, request: RequestHead, form: Form) -> Flow[Client | OAuthError]:
    """The client that makes the request. It may be a public one: the endpoint decides what that may do."""
    presented = _presented(service, request, form)
    if isinstance(presented, OAuthError):
        return presented
    if presented.method == "none":
        return (yield from _named(service, presented))
    # A secret or an assertion is random: it cannot be guessed, so only its source is counted, if it is wrong.
    check = _check(service, presented)
    client = yield from service.client_attempts.from_source(request, check, guessable=False)
    if isinstance(client, Rejected):
        return throttled(client) or _failed(service, presented, client.detail)
    return client


def _check(service: ClientAuthentication, presented: _Presented) -> Flow[Client | Rejected]:
    """The client, if its secret or assertion is right."""
    # Text that cannot be a client id is not looked up: it may be long.
    if not is_client_id(presented.client_id):
        return Rejected(Reason.CREDENTIALS_REJECTED, "not a client id")
    client = yield from find_client(service, presented.client_id)
    # The work is the same for a client that does not exist.
    if presented.method == "private_key_jwt":
        wrong = yield from judge_assertion(service, presented.proof, presented.client_id, client)
    else:
        wrong = _judge_secret(presented.proof, client, service.clock())
    if client is not None:
        wrong = _unfit(client, presented.method) or wrong
    if wrong or client is None:
        unknown = f"no client {presented.client_id!r}"
        return Rejected(Reason.CREDENTIALS_REJECTED, unknown if client is None else wrong)
    return client


def _failed(service: ClientAuthentication, presented: _Presented, detail: str) -> OAuthError:
    return invalid_client(service.realm, basic=presented.basic, detail=detail)


# The presented credentials


def _presented(service: ClientAuthentication, request: RequestHead, form: Form) -> _Presented | OAuthError:
    authorization = request.authorization
    if authorization is not None and authorization.duplicate:
        return invalid_request("More than one Authorization credential was sent.")
    basic = None if authorization is None else _basic(authorization)
    if isinstance(basic, str):
        return invalid_client(service.realm, basic=True, detail=basic)
    client_id, secret = form.get("client_id"), form.get("client_secret")
    has_assertion = "client_assertion" in form or "client_assertion_type" in form
    # RFC 6749 §2.3: "MUST NOT use more than one authentication method in each request".
    if (basic is not None) + (secret is not None) + has_assertion > 1:
        return invalid_request("More than one way of client authentication was used.")
    if basic is not None:
        if client_id not in (None, basic.client_id):
            return invalid_request("The client_id is not that of the Authorization header.")
        return basic
    if has_assertion:
        return _assertion(service, form, client_id)
    if secret is not None:
        if client_id is None:
            return invalid_request("A client_secret needs its client_id.")
        return _Presented("client_secret_post", client_id, secret)
    return _Presented("none", client_id or "")


def _basic(authorization: Authorization) -> _Presented | str | None:
    """The credentials in the header; None for none, and a reason where they are malformed."""
    if authorization.scheme in _OF_TOKENS:
        return None
    if authorization.scheme != "basic":
        return f"the scheme {authorization.scheme!r} authenticates no client"
    value = authorization.value
    raw = decode_base64(value) if len(value) <= MAX_CREDENTIAL_LENGTH else None
    if raw is None:
        return "not canonical base64"
    if raw == _NOTHING:
        return None
    name, colon, secret = raw.decode("latin-1").partition(":")
    # RFC 6749 §2.3.1, App. B: id and secret are form-urlencoded first, so that a colon within the id is no separator.
    client_id, proof = unescaped(name), unescaped(secret)
    if not raw.isascii() or not colon or client_id is None or proof is None:
        return "no form-urlencoded id and secret with a colon between them"
    # RFC 6749 §2.3.1: "The client MAY omit the parameter if the client secret is an empty string": a name only.
    return _Presented("client_secret_basic" if proof else "none", client_id, proof, basic=True)


def _assertion(service: ClientAuthentication, form: Form, client_id: str | None) -> _Presented | OAuthError:
    assertion = form.get("client_assertion")
    if assertion is None or form.get("client_assertion_type") != ASSERTION_TYPE:
        return invalid_client(service.realm, basic=False, detail="no client_assertion of the type jwt-bearer")
    asserted = asserted_client(assertion)
    # RFC 7521 §4.2: the client_id is unnecessary, and if present it "MUST identify the same client".
    if asserted is None or client_id not in (None, asserted):
        return invalid_client(service.realm, basic=False, detail="an assertion without sub, or of another client")
    return _Presented("private_key_jwt", asserted, assertion)


# Their verification


def _named(service: ClientAuthentication, presented: _Presented) -> Flow[Client | OAuthError]:
    """A public client. It only says its name, which proves nothing (RFC 6749 §2.1)."""
    client_id = presented.client_id
    is_own = service.password and client_id in ("", service.first_party)
    if is_own:
        client_id = service.first_party
    if not is_client_id(client_id):
        return _failed(service, presented, "no client authentication")
    client = yield from find_client(service, client_id)
    if client is None:
        return service.own_client if is_own else _failed(service, presented, f"no client {client_id!r}")
    wrong = _unfit(client, "none")
    return _failed(service, presented, wrong) if wrong else client


def find_client(service: ClientRegistry, client_id: str) -> Flow[Client | None]:
    """The client of that id, or None."""
    client = _checked((yield from Ask(service.clients.find_client, client_id)))
    # Ids are compared exactly, also where a store folds case.
    return client if client is not None and client.id == client_id else None


def is_disabled(service: ClientRegistry, client: Client) -> Flow[bool]:
    """Whether `client`, which was authenticated a moment ago, is disabled or gone by now."""
    now = yield from find_client(service, client.id)
    return client is not service.own_client if now is None else now.disabled


def _checked(found: object) -> Client | None:
    if found is not None and not isinstance(found, Client):
        raise FlowError(f"find_client answers a Client or None, not {type(found).__name__}")
    return found


def _judge_secret(secret: str, client: Client | None, now: float) -> str:
    sought = token_digest(secret).encode()
    secrets = () if client is None else client.secrets
    live = [each.digest for each in secrets if each.expires_at is None or now < each.expires_at]
    # Every secret is compared; where there is none, a digest that cannot match.
    matches = [compare_digest(each.encode(), sought) for each in live or [_NO_DIGEST]]
    return "" if any(matches) else "the secret is wrong"


def _unfit(client: Client, method: ClientAuthMethod) -> str:
    # RFC 7591 §2, token_endpoint_auth_method: only the registered method, so that no weaker one takes its place.
    if client.auth_method != method:
        return f"the client {client.id!r} authenticates by {client.auth_method}, not by {method}"
    return f"the client {client.id!r} is disabled" if client.disabled else ""
