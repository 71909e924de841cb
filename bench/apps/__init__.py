"""Applications that the bench serves beside the real ones."""
