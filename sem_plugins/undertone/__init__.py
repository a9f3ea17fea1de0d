"""Masked and ambivalent feeling."""
