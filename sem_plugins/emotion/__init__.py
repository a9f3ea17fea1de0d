"""What the person is going through: the 32 emotions of EmpatheticDialogues."""
