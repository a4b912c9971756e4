"""Cryptography: keys, signing, claims, opaque tokens, passwords, legacy hashes, HTTP Digest, JOSE, DPoP proofs."""
