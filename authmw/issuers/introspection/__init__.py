"""Token introspection (RFC 7662): verification of tokens by a request to their authorization server."""
