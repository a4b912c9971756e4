"""Tokens of other issuers: keys, fetching, introspection, diagnosis, profiles."""

from typing import TYPE_CHECKING

from authmw.errors import face

if TYPE_CHECKING:
    from authmw.crypto.dpop.nonces import DPoPNonces
    from authmw.engine.protected_resource import ProtectedResource
    from authmw.identity.credentials import BoundToken
    from authmw.issuers.audience import AnyAudience
    from authmw.issuers.diagnosis.diagnose import diagnose
    from authmw.issuers.diagnosis.finding import Finding
    from authmw.issuers.fetching.fetch import Fetched, Fetcher, FetchFailed
    from authmw.issuers.fetching.http_fetcher import HTTPFetcher
    from authmw.issuers.introspection.verifier import IntrospectionVerifier
    from authmw.issuers.keys.cache_policy import CachePolicy
    from authmw.issuers.profiles import PROFILES, Profile
    from authmw.issuers.several import Issuers
    from authmw.verifiers.binding import refuse_sender

__all__ = [
    "PROFILES",
    "AnyAudience",
    "BoundToken",
    "CachePolicy",
    "DPoPNonces",
    "FetchFailed",
    "Fetched",
    "Fetcher",
    "Finding",
    "HTTPFetcher",
    "IntrospectionVerifier",
    "Issuers",
    "Profile",
    "ProtectedResource",
    "diagnose",
    "refuse_sender",
]

_HOMES = {
    "crypto.dpop.nonces": "DPoPNonces",
    "engine.protected_resource": "ProtectedResource",
    "identity.credentials": "BoundToken",
    "issuers.audience": "AnyAudience",
    "issuers.diagnosis.diagnose": "diagnose",
    "issuers.diagnosis.finding": "Finding",
    "issuers.fetching.fetch": "FetchFailed Fetched Fetcher",
    "issuers.fetching.http_fetcher": "HTTPFetcher",
    "issuers.introspection.verifier": "IntrospectionVerifier",
    "issuers.keys.cache_policy": "CachePolicy",
    "issuers.profiles": "PROFILES Profile",
    "issuers.several": "Issuers",
    "verifiers.binding": "refuse_sender",
}

if not TYPE_CHECKING:  # type checkers would take every misspelt name for a public one
    __getattr__, __dir__ = face(__name__, _HOMES)
