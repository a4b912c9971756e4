"""Tools for tests of programs that use authmw: clock, issuer, DPoP client, check of routes, contracts of stores."""

from typing import TYPE_CHECKING

from authmw.errors import face

if TYPE_CHECKING:
    from authmw.engine.routes.frameworks import routes_of
    from authmw.testing.acting import AsUser, Caller
    from authmw.testing.clock import FakeClock
    from authmw.testing.dpop import DPoPClient
    from authmw.testing.fake_issuers import FakeIssuerFor
    from authmw.testing.issuer import FakeIssuer
    from authmw.testing.memory_stores import MemoryStoresFor
    from authmw.testing.protected import assert_all_protected
    from authmw.testing.refused import assert_refused

__all__ = [
    "AsUser",
    "Caller",
    "DPoPClient",
    "FakeClock",
    "FakeIssuer",
    "FakeIssuerFor",
    "MemoryStoresFor",
    "assert_all_protected",
    "assert_refused",
    "routes_of",
]

# All are imported when they are first used: pytest loads the plugin of this package before coverage begins to measure.
_HOMES = {
    "engine.routes.frameworks": "routes_of",
    "testing.acting": "AsUser Caller",
    "testing.clock": "FakeClock",
    "testing.dpop": "DPoPClient",
    "testing.fake_issuers": "FakeIssuerFor",
    "testing.issuer": "FakeIssuer",
    "testing.memory_stores": "MemoryStoresFor",
    "testing.protected": "assert_all_protected",
    "testing.refused": "assert_refused",
}
if not TYPE_CHECKING:  # type checkers would take every misspelt name for a public one
    __getattr__, __dir__ = face(__name__, _HOMES)
