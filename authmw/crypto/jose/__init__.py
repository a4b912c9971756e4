"""JOSE, below keys and tokens: base64url, JSON, algorithms, key formats, signatures and claims, read strictly."""
