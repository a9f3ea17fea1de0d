"""What brought the emotion about."""
