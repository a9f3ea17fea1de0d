"""HEF's claims, each as a switch: what readings, causes, strategy and examples add to an LLM, and at what cost."""
