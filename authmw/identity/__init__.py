"""The meaning: credentials, scopes, principal, requirement, verdict, and the call being served."""
