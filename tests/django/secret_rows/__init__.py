"""What rows with secrets have in common."""
