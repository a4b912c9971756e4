"""Several stores as one, and what every store of ours decides alike."""

from authmw.stores.stores import Stores

__all__ = ["Stores"]
