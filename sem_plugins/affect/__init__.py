"""Valence, arousal and dominance."""
