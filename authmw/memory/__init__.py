"""Stores in memory: for tests, and for small programs of one process. What they know is lost at exit.

Each is safe to use from several threads, answers fast enough to be asked on an event loop, and is bounded where
strangers could fill it.
"""

from authmw.memory.clients import MemoryClients
from authmw.memory.families import MemoryFamilies
from authmw.memory.keys import MemoryApiKeys
from authmw.memory.nonces import MemoryNonces
from authmw.memory.revocations import MemoryRevocations
from authmw.memory.stores import MemoryStores
from authmw.memory.throttle import MemoryThrottle
from authmw.memory.tokens import MemoryTokens
from authmw.memory.users import MemoryUsers

__all__ = [
    "MemoryApiKeys",
    "MemoryClients",
    "MemoryFamilies",
    "MemoryNonces",
    "MemoryRevocations",
    "MemoryStores",
    "MemoryThrottle",
    "MemoryTokens",
    "MemoryUsers",
]
