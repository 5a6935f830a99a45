"""The dump form and its rules."""
