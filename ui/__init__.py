"""Every face of Heartline, for people and for machines."""
