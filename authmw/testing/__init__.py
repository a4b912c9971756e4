"""For tests of programs that use authmw: a clock that stands still, an issuer that needs no network, a DPoP client,
that no route was forgotten, and what stores keep.

The contract of stores is in `authmw.testing.contract`, which needs pytest; nothing else here does.
"""

from authmw.testing.clock import FakeClock
from authmw.testing.dpop import DPoPClient
from authmw.testing.issuer import FakeIssuer
from authmw.testing.protected import assert_all_protected

__all__ = ["DPoPClient", "FakeClock", "FakeIssuer", "assert_all_protected"]
