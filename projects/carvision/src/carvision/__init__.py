"""What a used car is worth."""
