"""Which support strategy a supporter would take next, after ESConv."""
