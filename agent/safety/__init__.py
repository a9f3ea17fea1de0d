"""Safety of the people who talk to the agent: help lines of their country, and what the law of a place asks for.

Everything here is data with a source and a date, read strictly, and functions that have no clock and no network of
their own.
"""
