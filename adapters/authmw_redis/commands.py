"""Commands and Lua scripts for Redis, as generators of steps, which `authmw_redis.server` runs by calls or on asyncio.

Each script touches keys of one hash slot and names them all, so that a cluster runs it too (`authmw_redis.names`).
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from hashlib import sha1
from math import ceil
from typing import Any, Final, TypeAlias, TypeVar

from redis.exceptions import ConnectionError, NoScriptError

T = TypeVar("T")
Words: TypeAlias = tuple[str | int | float, ...]
"""One command, as redis-py's ``execute_command`` takes it."""

SLACK: Final = 60.0
"""Seconds that a key is kept after its record has expired, since the clocks of several machines differ."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Commands for one round trip, executed in this order if one server has all keys. An error is a reply too."""

    commands: tuple[Words, ...]


Steps: TypeAlias = Generator[Words | Batch, Any, T]
"""A generator that yields commands, is sent the reply to each, and returns a `T`."""


class Script:
    """A Lua script, which is run by its digest (EVALSHA)."""

    __slots__ = ("sha", "text")

    def __init__(self, text: str) -> None:
        self.text: Final = text
        self.sha: Final = sha1(text.encode(), usedforsecurity=False).hexdigest()

    def __call__(self, *keys: str, args: Sequence[str | int | float] = (), repeatable: bool = False) -> Command:
        """The command that runs it.

        Args:
            keys: all keys that it touches.
            args: its other arguments.
            repeatable: whether a second run changes nothing, and replies the same as the first.
        """
        return Command((len(keys), *keys, *args), self, repeatable)


@dataclass(frozen=True, slots=True)
class Command:
    """One command.

    Args:
        words: the command; the arguments of a script.
        script: the script to run.
        repeatable: whether it may be sent a second time after its connection broke, although the server may have
            executed it already.
    """

    words: Words
    script: Script | None = None
    repeatable: bool = True

    @property
    def wire(self) -> Words:
        """The words to send."""
        return self.words if self.script is None else ("EVALSHA", self.script.sha, *self.words)


KEEP_LATEST: Final = Script("""
local before = redis.call('GET', KEYS[1])
if not before or tonumber(before) < tonumber(ARGV[1]) then redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2]) end
return 1
""")
"""Stores the later one of two times. Its arguments are the time, and its time to live in milliseconds."""


def ask(command: Command) -> Steps[Any]:
    """The reply to one command.

    A connection that broke while it was idle is noticed before it is used. If a connection breaks later, it is unknown
    whether the server executed the command, so only a repeatable one is sent a second time. After a timeout none is
    sent again, so that the total time stays bounded.
    """
    try:
        return (yield from _ask(command))
    except ConnectionError:
        if not command.repeatable:
            raise
        return (yield from _ask(command))


def ask_all(commands: Sequence[Command]) -> Steps[list[Any]]:
    """The replies to several commands, in their order, in one round trip if one server has all keys."""
    if not commands:
        return []
    batch = Batch(tuple(command.wire for command in commands))
    try:
        replies: list[Any] = yield batch
    except ConnectionError:
        if not all(command.repeatable for command in commands):
            raise
        replies = yield batch
    for place, reply in enumerate(replies):
        if isinstance(reply, NoScriptError):
            replies[place] = yield from _ask(commands[place])
        elif isinstance(reply, Exception):
            raise reply
    return replies


def _ask(command: Command) -> Steps[Any]:
    if command.script is None:
        return (yield command.words)
    try:
        return (yield command.wire)
    except NoScriptError:
        # The server was restarted, or it is another one. EVAL makes it keep the script.
        return (yield ("EVAL", command.script.text, *command.words))


def milliseconds(expires_at: float, now: float) -> int:
    """The time to live of a key whose record expires at `expires_at`. It is at least 1, so that every key expires."""
    return max(1, ceil((expires_at - now + SLACK) * 1000))


def text(reply: Any) -> str:
    """A reply as text, also from a client that decodes by itself."""
    return reply if isinstance(reply, str) else str(reply, "utf-8")


def number(reply: Any) -> float | None:
    """A reply as a number, or None. Numbers are kept as text, which both Python and Lua read exactly."""
    return None if reply is None else float(reply)
