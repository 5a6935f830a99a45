"""Text and numbers as people read them, shared by commands and the console."""
