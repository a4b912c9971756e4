"""An MCP server over streamable HTTP, protected by one call.

Every client that has a token of the issuer for this server may read orders. Adding an order takes one more scope,
which clients request when the server names it.

    pip install mcp
    ISSUER=https://id.example RESOURCE=https://api.example/mcp python examples/mcp_server.py

Clients are given its URL and nothing else: they find the issuer by the first 401, send the user there, and come back
with a token for this server alone.
"""

from __future__ import annotations

import os

from mcp.server.mcpserver import MCPServer

from authmw import Issuer, current_principal
from authmw.asgi import ASGIApp, protect_mcp

server = MCPServer("Orders")
ORDERS = ["tea", "cake"]


@server.tool()
def list_orders() -> list[str]:
    """All orders."""
    return ORDERS


@server.tool()
def add_order(what: str) -> str:
    """Order something."""
    return f"{what} for {current_principal().id}"


def create_app(issuer: str, resource: str) -> ASGIApp:
    # Stateless: a session would be no proof of who continues it, and each request brings its token anyway.
    app = server.streamable_http_app(stateless_http=True, json_response=True)
    return protect_mcp(
        app,
        Issuer(issuer, audience=resource),
        resource=resource,
        scopes=["orders:read"],
        tools={"add_order": ["orders:write"]},
    )


if __name__ == "__main__":
    import uvicorn

    application = create_app(os.environ["ISSUER"], os.environ["RESOURCE"])
    uvicorn.run(application, host="127.0.0.1", port=int(os.environ.get("PORT", "8000")))
