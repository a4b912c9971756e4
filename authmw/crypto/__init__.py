"""Cryptography: keys and key rings, signing, opaque tokens, passwords, HTTP Digest, JOSE, DPoP proofs."""
