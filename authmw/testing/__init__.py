"""For tests of programs that use authmw: a clock that stands still, and the contract that every store keeps.

The contract is in `authmw.testing.contract`, which needs pytest; nothing else here does.
"""

from authmw.testing.clock import FakeClock

__all__ = ["FakeClock"]
