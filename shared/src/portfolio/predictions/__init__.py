"""Predictions on their way from a worker's answer to the store, and the labels that tell the truth about them."""
