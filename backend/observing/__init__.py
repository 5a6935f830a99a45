"""Everything that polls or listens: the watcher, waits, and what is looked up once."""
