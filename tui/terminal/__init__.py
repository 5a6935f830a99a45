"""What the terminal can show, and how the console leaves it."""
