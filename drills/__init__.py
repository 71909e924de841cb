"""Drills: what the documentation claims of operations, done for real and judged."""
