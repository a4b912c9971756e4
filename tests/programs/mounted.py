"""Programs that are mounted in one another: alice and bob ask them, by tokens and passwords."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import httpx

from tests.programs.program import PASSWORD, Program


def made_of(program: Program) -> Program:
    """`program`, with the keys and the users of its page."""
    program.generate_keys()
    program.create_user("alice", "orders:read")
    program.create_user("bob")
    return program


class Shop:
    """A program that is served.

    Args:
        program: has the users alice and bob.
        port: of its server.
    """

    def __init__(self, program: Program, port: int) -> None:
        self.url: str = f"http://127.0.0.1:{port}"
        self.tokens: dict[str, str] = {name: program.issue_token(name) for name in ("alice", "bob")}

    def get(self, path: str, token: str = "", **headers: str) -> httpx.Response:
        """The response to a request with that token."""
        authorization = {"Authorization": f"Bearer {token}"} if token else {}
        return httpx.get(f"{self.url}{path}", headers={**headers, **authorization}, timeout=60)

    def by_password(self, path: str, name: str) -> httpx.Response:
        """The response to a request with the password of a user."""
        return httpx.get(f"{self.url}{path}", auth=(name, PASSWORD), timeout=60)

    def told(self, path: str) -> list[object]:
        """What alice, bob and nobody get: the document of a 200, or the status."""
        answers = [self.get(path, token) for token in (self.tokens["alice"], self.tokens["bob"], "")]
        return [each.json() if each.status_code == 200 else each.status_code for each in answers]


def mix(shop: Shop, path: str, member: str) -> list[object]:
    """The answers that were for somebody else, of many requests at the same time."""

    def ask(name: str) -> object:
        told: object = shop.get(path, shop.tokens[name]).json()[member]
        return None if told == name else told

    with ThreadPoolExecutor(8) as threads:
        return [each for each in threads.map(ask, ["alice", "bob"] * 60) if each is not None]
