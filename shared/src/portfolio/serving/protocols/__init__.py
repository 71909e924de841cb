"""Interfaces that clients already speak: each module turns its protocol's bodies into rows, and answers into bodies."""
