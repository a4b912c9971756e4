"""The wire: request head, grammar, target, origin, location, challenges, refusals, and responses."""
