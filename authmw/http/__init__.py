"""HTTP: request head, grammar, target, origin, location, public URLs, challenges, reasons, refusals and responses."""
