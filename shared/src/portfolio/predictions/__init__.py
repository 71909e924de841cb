"""Predictions on their way from a worker's answer to the store."""
