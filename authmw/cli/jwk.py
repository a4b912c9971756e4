"""Commands of ``authmw jwk``: create, rotate and retire the keys that sign tokens."""

from __future__ import annotations

from pathlib import Path

import click

from authmw.cli.options import keys_option
from authmw.cli.output import json_option, show, table
from authmw.crypto.jose.algorithms import ALGORITHMS
from authmw.crypto.keyring import Key, KeyRing
from authmw.errors import ConfigurationError

_algorithms = click.Choice(list(ALGORITHMS))


@click.group()
def jwk() -> None:
    """The keys that sign tokens, in a file that only its owner may read."""


@jwk.command()
@keys_option
@click.option("--alg", type=_algorithms, default="ES256", show_default=True, help="The algorithm of the key.")
@json_option
def generate(keys_path: Path, alg: str, as_json: bool) -> None:
    """Create a key ring: a new file with one new key."""
    if keys_path.exists():
        raise click.ClickException(f"{keys_path} exists already: `authmw jwk rotate` adds a key to it")
    key = new_ring(keys_path, alg).signer
    show(_described(key, signs=True), f"{keys_path}: {key.kid} ({key.alg}) signs", as_json=as_json)


@jwk.command()
@keys_option
@click.option("--alg", type=_algorithms, help="The algorithm of the new key; by default that of the current key.")
@json_option
def rotate(keys_path: Path, alg: str | None, as_json: bool) -> None:
    """Add a new key, which signs from now on. The older keys still verify."""
    ring = KeyRing.load(keys_path)
    key = ring.rotate(alg)
    save(ring, keys_path)
    older = len(ring.current.keys) - 1
    show(
        _described(key, signs=True),
        f"{keys_path}: {key.kid} ({key.alg}) signs, {older} older {'key verifies' if older == 1 else 'keys verify'}",
        as_json=as_json,
    )


# A thumbprint may begin with a dash.
@jwk.command(context_settings={"ignore_unknown_options": True})
@keys_option
@click.argument("kid")
@json_option
def retire(keys_path: Path, kid: str, as_json: bool) -> None:
    """Remove the key KID. Every token that it signed is refused from now on."""
    ring = KeyRing.load(keys_path)
    ring.retire(kid)
    save(ring, keys_path)
    show({"retired": kid}, f"{keys_path}: {kid} is removed", as_json=as_json)


@jwk.command("list")
@keys_option
@json_option
def list_keys(keys_path: Path, as_json: bool) -> None:
    """List the keys; the first one signs. With --json, also their public parts."""
    ring = KeyRing.load(keys_path)
    rows = [(key, key is ring.signer) for key in ring.current.keys]
    show(
        {"keys": [_described(key, signs=signs) for key, signs in rows]},
        table(["KID", "ALG", "USE"], [[key.kid, key.alg, "signs" if signs else "verifies"] for key, signs in rows]),
        as_json=as_json,
    )


def new_ring(path: Path, alg: str = "ES256") -> KeyRing:
    """A ring of one new key, saved at `path`."""
    ring = KeyRing.generate(alg)
    save(ring, path)
    return ring


def save(ring: KeyRing, path: Path) -> None:
    """Save `ring` at `path`.

    Raises:
        ConfigurationError: the file cannot be written.
    """
    try:
        ring.save(path)
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be written: {error.strerror}") from None


def _described(key: Key, *, signs: bool) -> dict[str, object]:
    # Public members only: nothing that this command prints is a secret.
    return {"kid": key.kid, "alg": key.alg, "signs": signs, "public_jwk": key.public_jwk()}
