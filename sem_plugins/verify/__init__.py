"""Looks at drafts of replies before a person sees them (docs/verify.md)."""
