"""Dump files: the target of a running dump, and what a file is."""
