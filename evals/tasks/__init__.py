"""The tasks, by name."""
