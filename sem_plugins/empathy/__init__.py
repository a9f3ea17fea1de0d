"""How empathic a reply is, after EPITOME."""
