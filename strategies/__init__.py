"""Ways of supporting: taxonomies of strategies, and planners that choose among them."""
