"""Heartline inside LangChain: a chat model, middleware around somebody's agent, and the agent as a Runnable.

Importing this package imports nothing of LangChain; its modules do.
"""
