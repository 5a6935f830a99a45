"""Dumps that are not started yet: what they will do, and where they go."""
