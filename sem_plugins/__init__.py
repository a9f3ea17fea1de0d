"""Small empathetic models: what they read, how they run, how they are trained."""
