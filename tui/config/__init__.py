"""The user's settings: config.toml, its values and their checks. Imports nothing of the console."""
