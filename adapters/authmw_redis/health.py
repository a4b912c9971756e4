"""Check of the settings of a Redis server: those that would lose records."""

from __future__ import annotations

import re
from contextlib import suppress
from typing import Any, Final

from redis import RedisCluster
from redis.exceptions import ResponseError

OLDEST: Final = (7, 0)
"""The oldest version of Redis that the stores are tested with. Every Valkey is newer."""


def concerns(client: Any) -> list[str]:
    """A sentence for each setting of the server that would lose tokens, families or revocations."""
    found: dict[str, None] = {}
    for about in _servers(client):
        found |= dict.fromkeys([*_in_version(about), *_in_memory(about), *_in_persistence(about, client)])
    return list(found)


def _servers(client: Any) -> list[dict[str, Any]]:
    """The reply of each server to INFO."""
    if not _is_cluster(client):
        return [client.info()]
    reply: dict[str, Any] = client.info(target_nodes=RedisCluster.ALL_NODES)
    # A cluster of one node replies like a single server.
    return [reply] if "redis_version" in reply else list(reply.values())


def _is_cluster(client: object) -> bool:
    return isinstance(client, RedisCluster)


def _in_version(about: dict[str, Any]) -> list[str]:
    version = str(about.get("redis_version", ""))
    numbers = tuple(int(part) for part in re.findall(r"\d+", version)[:2])
    if not numbers or numbers >= OLDEST:
        return []
    return [f"this is Redis {version}: the stores need {OLDEST[0]}.{OLDEST[1]} or newer, or Valkey"]


def _in_memory(about: dict[str, Any]) -> list[str]:
    policy = str(about.get("maxmemory_policy", ""))
    if policy in ("", "noeviction"):
        return []
    return [
        f"maxmemory-policy is {policy}: once memory is full, Redis deletes revocations and families silently, "
        "and a revoked token is valid again; set it to noeviction"
    ]


def _in_persistence(about: dict[str, Any], client: Any) -> list[str]:
    if int(about.get("aof_enabled", 0)):
        return []
    saves = _saves(client)
    if saves == "":
        return ["nothing is written to disk: a restart loses all families and revocations; set appendonly to yes"]
    return ["appendonly is no: a crash loses what came after the last snapshot, revocations too; set it to yes"]


def _saves(client: Any) -> str | None:
    """The setting ``save``, which says when snapshots are made; None if the server refuses to show it."""
    with suppress(ResponseError):
        settings: dict[str, str] = client.config_get("save")
        return settings.get("save")
    return None
