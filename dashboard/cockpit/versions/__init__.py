"""Versions: what there is, who changed what, and changing it."""
