"""The offline responder: reflective listening without an LLM."""
