"""Stores in memory: for tests, and for small programs of one process. What they know is lost at exit.

Each is safe to use from several threads, answers fast enough to be asked on an event loop, and is bounded where
strangers could fill it.
"""

from authmw.stores.memory.clients import MemoryClients
from authmw.stores.memory.families import MemoryFamilies
from authmw.stores.memory.keys import MemoryApiKeys
from authmw.stores.memory.nonces import MemoryNonces
from authmw.stores.memory.revocations import MemoryRevocations
from authmw.stores.memory.stores import MemoryStores
from authmw.stores.memory.throttle import MemoryThrottle
from authmw.stores.memory.tokens import MemoryTokens
from authmw.stores.memory.users import MemoryUsers

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
