"""Names of the keys in Redis.

The text in braces decides the slot of a key in a cluster. Each token, family, account and nonce has a slot of its own,
so that the load spreads; keys that one script touches have the same slot. Names that users or clients choose are
hashed, so that a key stays short and in its slot, whatever is in the name.
"""

from __future__ import annotations

from typing import Final, Literal, NamedTuple

from authmw.crypto.opaque_tokens import token_digest
from authmw.errors import ConfigurationError

IndexedBy = Literal["subject", "client", "family", "session"]
"""The indexes of tokens and families, besides their own key."""

_SHARDS: Final = "0123456789abcdef"


class IndexNames(NamedTuple):
    """The keys of an index, in one slot: its members by expiry, and the time of its last revocation."""

    members: str
    refused: str


class Names:
    """The names of all keys that begin with `prefix`."""

    __slots__ = ("prefix",)

    def __init__(self, prefix: str) -> None:
        if not prefix or not prefix.isprintable() or any(character in prefix for character in "{}[]*?\\ "):
            raise ConfigurationError(
                "prefix= begins all keys: write a word like 'authmw', no spaces or any of {}[]*?\\"
            )
        self.prefix: Final = prefix

    def of(self, kind: str, name: str) -> str:
        """The key of a record that is found by a digest: a token, a family, a session."""
        return f"{self.prefix}:{kind}:{{{name}}}"

    def hashed(self, kind: str, name: str) -> str:
        """The key of a record that is found by a name which a user or client chooses."""
        return self.of(kind, token_digest(name))

    def indexes(self, kind: str, by: IndexedBy, name: str) -> tuple[IndexNames, ...]:
        """The indexes of all records of a kind, as tokens, of a subject, a client, a family or a session.

        One client may have the tokens of all users, as the application's own has: its index is split into sixteen
        parts, each in a slot of its own.
        """
        tags = [f"{token_digest(name)}:{shard}" for shard in _SHARDS] if by == "client" else [token_digest(name)]
        return tuple(
            IndexNames(f"{self.prefix}:{kind}-of-{by}:{{{tag}}}", f"{self.prefix}:{kind}-refused-{by}:{{{tag}}}")
            for tag in tags
        )

    def index_for(self, kind: str, by: IndexedBy, name: str, member: str) -> IndexNames:
        """The part of `indexes` that `member` belongs to."""
        indexes = self.indexes(kind, by, name)
        return indexes[0] if len(indexes) == 1 else indexes[int(token_digest(member)[0], 16)]

    def revocations(self, part: str) -> str:
        """A key of the revocations. They share one slot: they are few, and are read in one order."""
        return f"{{{self.prefix}:revocations}}:{part}"
