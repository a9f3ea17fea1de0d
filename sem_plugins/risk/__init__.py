"""Signs of danger to the person or to others."""
