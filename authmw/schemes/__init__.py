"""Security schemes: how a credential travels in a request. One file per family."""
