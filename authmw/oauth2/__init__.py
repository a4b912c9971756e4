"""The token service: log in, refresh, revoke (RFC 6749, 7009, 7662, 8414)."""
