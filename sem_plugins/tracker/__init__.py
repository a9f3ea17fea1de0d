"""Follows the person over the turns, and what the agent itself feels meanwhile."""
