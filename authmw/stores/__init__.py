"""Stores: ports, records, administration, rotation, throttling, revocation feed, stores in memory."""

from typing import TYPE_CHECKING

from authmw.errors import face

if TYPE_CHECKING:
    from authmw.crypto.flask_security_hasher import FlaskSecurityHasher
    from authmw.crypto.opaque_tokens import new_api_key, new_id, token_digest
    from authmw.crypto.passwords import CHEAPEST, OWASP_MINIMUM, RFC_9106_LOW_MEMORY, Argon2Profile, PasswordHasher
    from authmw.errors import StoreUnavailable
    from authmw.stores.administration import AlreadyExists, ApiKeyAdmin, ClientAdmin, NotFound, TokenAdmin, UserAdmin
    from authmw.stores.memory.clients import MemoryClients
    from authmw.stores.memory.families import MemoryFamilies
    from authmw.stores.memory.keys import MemoryApiKeys
    from authmw.stores.memory.nonces import MemoryNonces
    from authmw.stores.memory.pending import MemoryPending
    from authmw.stores.memory.revocations import MemoryRevocations
    from authmw.stores.memory.sessions import MemorySessions
    from authmw.stores.memory.stores import MemoryStores
    from authmw.stores.memory.throttle import MemoryThrottle
    from authmw.stores.memory.tokens import MemoryTokens
    from authmw.stores.memory.users import MemoryUsers
    from authmw.stores.new_records import HA1
    from authmw.stores.ports import (
        ApiKeyStore,
        ClientStore,
        DigestStore,
        FamilyStore,
        NonceStore,
        PasswordUpgrader,
        RevocationStore,
        Throttle,
        TokenKeeper,
        TokenStore,
        UserStore,
    )
    from authmw.stores.records import (
        ApiKeyRecord,
        Attempt,
        AttemptOutcome,
        Client,
        ClientSecret,
        DigestUser,
        NonceUse,
        Outcome,
        RefreshFamily,
        Reservation,
        Revocation,
        RevocationPage,
        Rotation,
        RotationAnswer,
        TokenRecord,
        User,
        Wait,
    )
    from authmw.stores.renewal import renewed
    from authmw.stores.revocation_feed import RevocationFeed
    from authmw.stores.rotation import rotated
    from authmw.stores.session_ports import PendingStore, SessionStore, UserDirectory
    from authmw.stores.session_records import BrowserSession, Pending, Renewal, RenewalAnswer, RenewalOutcome
    from authmw.stores.stores import Stores

__all__ = [
    "CHEAPEST",
    "HA1",
    "OWASP_MINIMUM",
    "RFC_9106_LOW_MEMORY",
    "AlreadyExists",
    "ApiKeyAdmin",
    "ApiKeyRecord",
    "ApiKeyStore",
    "Argon2Profile",
    "Attempt",
    "AttemptOutcome",
    "BrowserSession",
    "Client",
    "ClientAdmin",
    "ClientSecret",
    "ClientStore",
    "DigestStore",
    "DigestUser",
    "FamilyStore",
    "FlaskSecurityHasher",
    "MemoryApiKeys",
    "MemoryClients",
    "MemoryFamilies",
    "MemoryNonces",
    "MemoryPending",
    "MemoryRevocations",
    "MemorySessions",
    "MemoryStores",
    "MemoryThrottle",
    "MemoryTokens",
    "MemoryUsers",
    "NonceStore",
    "NonceUse",
    "NotFound",
    "Outcome",
    "PasswordHasher",
    "PasswordUpgrader",
    "Pending",
    "PendingStore",
    "RefreshFamily",
    "Renewal",
    "RenewalAnswer",
    "RenewalOutcome",
    "Reservation",
    "Revocation",
    "RevocationFeed",
    "RevocationPage",
    "RevocationStore",
    "Rotation",
    "RotationAnswer",
    "SessionStore",
    "StoreUnavailable",
    "Stores",
    "Throttle",
    "TokenAdmin",
    "TokenKeeper",
    "TokenRecord",
    "TokenStore",
    "User",
    "UserAdmin",
    "UserDirectory",
    "UserStore",
    "Wait",
    "new_api_key",
    "new_id",
    "renewed",
    "rotated",
    "token_digest",
]

_HOMES = {
    "crypto.flask_security_hasher": "FlaskSecurityHasher",
    "crypto.opaque_tokens": "new_api_key new_id token_digest",
    "crypto.passwords": "Argon2Profile CHEAPEST OWASP_MINIMUM PasswordHasher RFC_9106_LOW_MEMORY",
    "errors": "StoreUnavailable",
    "stores.administration": "AlreadyExists ApiKeyAdmin ClientAdmin NotFound TokenAdmin UserAdmin",
    "stores.memory.clients": "MemoryClients",
    "stores.memory.families": "MemoryFamilies",
    "stores.memory.keys": "MemoryApiKeys",
    "stores.memory.nonces": "MemoryNonces",
    "stores.memory.pending": "MemoryPending",
    "stores.memory.revocations": "MemoryRevocations",
    "stores.memory.sessions": "MemorySessions",
    "stores.memory.stores": "MemoryStores",
    "stores.memory.throttle": "MemoryThrottle",
    "stores.memory.tokens": "MemoryTokens",
    "stores.memory.users": "MemoryUsers",
    "stores.new_records": "HA1",
    "stores.ports": (
        "ApiKeyStore ClientStore DigestStore FamilyStore NonceStore PasswordUpgrader "
        "RevocationStore Throttle TokenKeeper TokenStore UserStore"
    ),
    "stores.records": (
        "ApiKeyRecord Attempt AttemptOutcome Client ClientSecret DigestUser NonceUse Outcome RefreshFamily "
        "Reservation Revocation RevocationPage Rotation RotationAnswer TokenRecord User Wait"
    ),
    "stores.renewal": "renewed",
    "stores.revocation_feed": "RevocationFeed",
    "stores.rotation": "rotated",
    "stores.session_ports": "PendingStore SessionStore UserDirectory",
    "stores.session_records": "BrowserSession Pending Renewal RenewalAnswer RenewalOutcome",
    "stores.stores": "Stores",
}

if not TYPE_CHECKING:  # type checkers would take every misspelt name for a public one
    __getattr__, __dir__ = face(__name__, _HOMES)
