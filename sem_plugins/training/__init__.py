"""Training of the shipped models. Needs the `train` extra; nothing at run time imports it."""
