"""Rows on their way to a model: found, validated, split, packed."""
