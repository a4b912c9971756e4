"""`authmw clients`."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from authmw.crypto.keyring import KeyRing
from authmw.crypto.opaque_tokens import has_checksum, token_digest
from tests.cli.stored import opened

Run = Callable[..., Result]
Document = Callable[..., dict[str, Any]]


def test_only_the_secret_is_on_standard_output(run: Run) -> None:
    created = run("clients", "create", "billing")
    assert created.exit_code == 0, created.output
    assert has_checksum(created.stdout.removesuffix("\n"), "cs")
    assert created.stderr == "billing: created, shown only this once:\n"


def test_class_36_a_secret_is_shown_once_and_stored_as_a_digest(run: Run, document: Document, directory: Path) -> None:
    secret = document("clients", "create", "billing")["client_secret"]
    with opened() as stores:
        client = stores.clients.find_client("billing")
    assert client is not None
    assert [each.digest for each in client.secrets] == [token_digest(secret)]
    later = run("clients", "list").output + run("clients", "list", "--json").output
    assert secret not in later
    assert token_digest(secret) not in later
    assert all(secret.encode() not in path.read_bytes() for path in directory.iterdir())


def test_the_document_says_all_that_was_given(document: Document) -> None:
    created = document(
        *("clients", "create", "billing", "--name", "Billing", "--auth-method", "client_secret_post"),
        *("--grant", "client_credentials", "--grant", "refresh_token"),
        *("--scope", "orders:read", "--audience", "orders", "--audience", "shop"),
    )
    secret, made = created.pop("client_secret"), created.pop("created_at")
    assert secret.startswith("cs_")
    assert made > 0
    described = {
        "client_id": "billing",
        "name": "Billing",
        "auth_method": "client_secret_post",
        "grant_types": ["client_credentials", "refresh_token"],
        "scopes": ["orders:read"],
        "audiences": ["orders", "shop"],
        "disabled": False,
        "secrets": [{"expires_at": None}],
    }
    assert created == described
    assert document("clients", "list") == {"clients": [{**described, "created_at": made}]}


def test_without_an_id_it_gets_a_random_one(document: Document) -> None:
    ids = {document("clients", "create")["client_id"] for _ in range(2)}
    assert len(ids) == 2
    assert all(each.startswith("client_") for each in ids)


def test_clients_are_listed_by_id_in_aligned_columns(run: Run) -> None:
    run("clients", "create", "web", "--auth-method", "none", "--grant", "password", "--grant", "refresh_token")
    run("clients", "create", "billing", "--scope", "a", "--name", "Billing")
    run("clients", "disable", "web")
    assert run("clients", "list").stdout.splitlines() == [
        "ID       STATUS    AUTHENTICATES BY     GRANTS                  SCOPES  NAME",
        "billing  active    client_secret_basic  client_credentials      a       Billing",
        "web      disabled  none                 password refresh_token  -       -",
    ]


def test_a_public_client_has_no_secret(document: Document) -> None:
    created = document("clients", "create", "web", "--auth-method", "none", "--grant", "password")
    assert "client_secret" not in created
    assert created["secrets"] == []


def test_a_public_client_is_told_which_grants_it_may_have(run: Run) -> None:
    assert run("clients", "create", "web", "--auth-method", "none").exit_code == 2
    refused = run("clients", "create", "web", "--auth-method", "none", "--grant", "client_credentials")
    assert refused.exit_code == 1
    assert "cannot have client_credentials" in refused.stderr


class TestJwks:
    def test_the_public_keys_of_a_client_are_read_from_a_file(self, document: Document, directory: Path) -> None:
        public = KeyRing.generate().jwks()
        (directory / "jwks.json").write_text(json.dumps(public))
        created = document("clients", "create", "robot", "--auth-method", "private_key_jwt", "--jwks", "jwks.json")
        assert "client_secret" not in created
        with opened() as stores:
            client = stores.clients.find_client("robot")
        assert client is not None
        assert client.jwks == public

    @pytest.mark.parametrize(
        "text, sentence",
        [
            ("not JSON", "no JWK Set"),
            ("[" * 100_000, "no JWK Set"),
            ("[]", "no JWK Set"),
            ("{}", "jwks"),
            ('{"keys": "none"}', "jwks"),
        ],
        ids=["no JSON", "nested", "a list", "no keys", "keys that are none"],
    )
    def test_what_is_no_jwk_set_is_a_sentence(self, run: Run, directory: Path, text: str, sentence: str) -> None:
        (directory / "jwks.json").write_text(text)
        refused = run("clients", "create", "robot", "--auth-method", "private_key_jwt", "--jwks", "jwks.json")
        assert (refused.exit_code, refused.stdout) == (1, "")
        assert sentence in refused.stderr

    def test_class_36_a_private_key_is_refused(self, run: Run, directory: Path) -> None:
        KeyRing.generate().save(directory / "private.json")
        refused = run("clients", "create", "robot", "--auth-method", "private_key_jwt", "--jwks", "private.json")
        assert refused.exit_code == 1
        assert "private key" in refused.stderr
        assert not (directory / "app.db").exists()

    def test_private_key_jwt_needs_keys_and_only_it_takes_them(self, run: Run, directory: Path) -> None:
        assert "jwks" in run("clients", "create", "robot", "--auth-method", "private_key_jwt").stderr
        (directory / "jwks.json").write_text(json.dumps(KeyRing.generate().jwks()))
        assert run("clients", "create", "robot", "--jwks", "jwks.json").exit_code == 1


def test_a_client_is_disabled_and_enabled(run: Run, document: Document) -> None:
    run("clients", "create", "billing")
    assert document("clients", "disable", "billing")["disabled"] is True
    assert document("clients", "enable", "billing")["disabled"] is False
    assert run("clients", "enable", "billing").stdout == "billing: enabled\n"


def test_scopes_are_replaced(run: Run, document: Document) -> None:
    run("clients", "create", "billing", "--scope", "a")
    assert run("clients", "set-scopes", "billing", "--scope", "c", "--scope", "b").stdout == (
        "billing: has the scopes b c\n"
    )
    assert document("clients", "set-scopes", "billing", "--none")["scopes"] == []


def test_a_new_secret_takes_the_place_of_the_old(document: Document) -> None:
    document("clients", "create", "billing")
    secret = document("clients", "rotate-secret", "billing")["client_secret"]
    with opened() as stores:
        client = stores.clients.find_client("billing")
    assert client is not None
    assert [(each.digest, each.expires_at) for each in client.secrets] == [(token_digest(secret), None)]


def test_the_old_secret_may_go_on_for_a_while(run: Run, document: Document) -> None:
    old = document("clients", "create", "billing")["client_secret"]
    rotated = run("clients", "rotate-secret", "billing", "--overlap", "1d")
    assert rotated.stderr == "billing: has a new secret, shown only this once:\n"
    with opened() as stores:
        client = stores.clients.find_client("billing")
    assert client is not None
    assert [each.digest for each in client.secrets] == [token_digest(rotated.stdout.strip()), token_digest(old)]
    assert client.secrets[1].expires_at is not None


def test_a_client_without_a_secret_has_none_to_rotate(run: Run) -> None:
    run("clients", "create", "web", "--auth-method", "none", "--grant", "password")
    refused = run("clients", "rotate-secret", "web")
    assert (refused.exit_code, refused.stdout) == (1, "")
    assert "has no secret" in refused.stderr


@pytest.mark.parametrize("command", ["disable", "enable", "set-scopes", "rotate-secret"])
def test_an_unknown_client_is_a_sentence(run: Run, command: str) -> None:
    run("clients", "create", "billing")
    refused = run("clients", command, "nobody", *(["--none"] if command == "set-scopes" else []))
    assert (refused.exit_code, refused.stdout, refused.stderr.count("\n")) == (1, "", 1)
    assert "'nobody'" in refused.stderr


@pytest.mark.usefixtures("alice")
@pytest.mark.parametrize("taken", ["billing", "alice"], ids=["a client's", "a user's"])
def test_an_id_is_taken_once(run: Run, taken: str) -> None:
    run("clients", "create", "billing")
    refused = run("clients", "create", taken)
    assert refused.exit_code == 1
    assert f"'{taken}'" in refused.stderr


@pytest.mark.parametrize(
    "wrong", [["--auth-method", "secret"], ["--grant", "implicit"], ["--jwks", "nowhere.json"], ["--scope", "a b"]]
)
def test_what_does_not_exist_is_a_usage_error(run: Run, wrong: list[str]) -> None:
    assert run("clients", "create", "billing", *wrong).exit_code == 2
