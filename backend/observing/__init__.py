"""Everything that polls or listens: the sampler, the watcher, waits and lookups."""
