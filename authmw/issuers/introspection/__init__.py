"""Token introspection (RFC 7662): tokens that their authorization server is asked about."""
