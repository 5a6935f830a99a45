"""The state of the console: hosts, rows, waits and queued dumps; no widgets, no Textual."""
