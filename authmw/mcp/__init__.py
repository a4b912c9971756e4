"""MCP servers, protected (Model Context Protocol, "Authorization")."""

from authmw.mcp.protect import protect_mcp

__all__ = ["protect_mcp"]
