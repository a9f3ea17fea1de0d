"""What the server bears: many at once, long conversations, long runs, and being killed. `python -m evals.load`."""
