"""What is said and how it is put: the prompt for an LLM, and the words of the offline responder."""
