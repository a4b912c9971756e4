"""What keys are called.

What stands in braces decides about the slot in a cluster: each token, family, account and nonce has one of its own, so
that the load spreads, and keys that one script touches have the same. Names that people choose are hashed there, so
that whatever is in them, a key stays short and in its slot.
"""

from __future__ import annotations

from typing import Final, Literal, NamedTuple

from authmw.crypto.opaque_tokens import digest
from authmw.errors import ConfigurationError

IndexedBy = Literal["subject", "client", "family"]
"""What tokens and families are found by, beside their own key."""

_SHARDS: Final = "0123456789abcdef"


class IndexNames(NamedTuple):
    """The keys of an index, in one slot: its members by expiry, and until when what was made is refused."""

    members: str
    refused: str


class Names:
    """The names of all keys that begin with `prefix`."""

    __slots__ = ("prefix",)

    def __init__(self, prefix: str) -> None:
        if not prefix or not prefix.isprintable() or any(character in prefix for character in "{}[]*?\\ "):
            raise ConfigurationError("prefix is what all keys begin with, as 'authmw': no spaces, braces or patterns")
        self.prefix: Final = prefix

    def of(self, kind: str, name: str) -> str:
        """The key of what is found by a digest of its own: a token, a family."""
        return f"{self.prefix}:{kind}:{{{name}}}"

    def hashed(self, kind: str, name: str) -> str:
        """The key of what is found by a name that others choose."""
        return self.of(kind, digest(name))

    def indexes(self, kind: str, by: IndexedBy, name: str) -> tuple[IndexNames, ...]:
        """The indexes of all tokens or families of a subject, a client or a family.

        A client may be everybody's, as the application's own is: its index is in sixteen parts and slots.
        """
        tags = [f"{digest(name)}:{shard}" for shard in _SHARDS] if by == "client" else [digest(name)]
        return tuple(
            IndexNames(f"{self.prefix}:{kind}-of-{by}:{{{tag}}}", f"{self.prefix}:{kind}-refused-{by}:{{{tag}}}")
            for tag in tags
        )

    def index_for(self, kind: str, by: IndexedBy, name: str, member: str) -> IndexNames:
        """The one of `indexes` that `member` is in."""
        indexes = self.indexes(kind, by, name)
        return indexes[0] if len(indexes) == 1 else indexes[int(digest(member)[0], 16)]

    def revocations(self, part: str) -> str:
        """A key of the revocations, which have one slot: they are few, and read in one order."""
        return f"{{{self.prefix}:revocations}}:{part}"
