"""The wire: head, grammar, target, origin, location, public URL, challenges, reasons, refusals, responses."""
