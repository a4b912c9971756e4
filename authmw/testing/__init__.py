"""Tools for tests of programs that use authmw: clock, issuer, DPoP client, check of routes, contracts of stores."""

from typing import TYPE_CHECKING

from authmw.engine.routes.frameworks import routes_of
from authmw.errors import face
from authmw.testing.clock import FakeClock
from authmw.testing.dpop import DPoPClient
from authmw.testing.issuer import FakeIssuer
from authmw.testing.protected import assert_all_protected

__all__ = [
    "DPoPClient",
    "FakeClock",
    "FakeIssuer",
    "assert_all_protected",
    "routes_of",
]

if not TYPE_CHECKING:  # type checkers would take every misspelt name for a public one
    __getattr__, __dir__ = face(__name__)
