"""Measuring what the service does: how right, and how fast. Nothing of the service imports this."""
