"""The command line: everything that needs no screen of its own."""
