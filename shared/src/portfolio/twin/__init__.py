"""Synthetic twins: made-up samples that train a model nearly as well as the real data would."""
