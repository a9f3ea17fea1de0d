"""What a turn is and how it runs. Imports no other folder of the project."""
