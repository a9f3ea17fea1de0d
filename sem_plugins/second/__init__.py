"""The second look: an LLM is asked where the small models are unsure or cannot read."""
