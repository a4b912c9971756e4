"""JOSE building blocks for keys and tokens: base64url, strict JSON, algorithms, key formats and key material."""
