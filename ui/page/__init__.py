"""The page in the browser: `heartline ui`. How it is made, and how a tab is added: docs/page.md."""
