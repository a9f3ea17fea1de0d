"""Felt distress and empathic concern of the writer, after Buechel et al. 2018."""
