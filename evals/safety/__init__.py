"""The safety suite: scripts of conversations with people in danger and not in danger, and what is measured on
them."""
