"""Diagnosis of an issuer, its keys and its tokens: findings, each with its fix."""
