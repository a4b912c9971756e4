"""DPoP (RFC 9449): proofs that the sender of a token has the key to which the token is bound."""
