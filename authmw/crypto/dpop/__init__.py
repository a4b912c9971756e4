"""DPoP (RFC 9449): nonces of the server, and proofs that the sender of a token has the key to which it is bound."""
