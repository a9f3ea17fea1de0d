"""More machines: readers elsewhere, and what a deployment is made of (docs/deploy.md, docs/growing.md)."""
