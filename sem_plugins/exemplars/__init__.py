"""What other people wrote in a like mood, and what was replied: a store of examples."""
