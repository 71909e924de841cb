"""Alembic's steps, which bring the tables from one release to the next."""

HEAD = "0002"
"""The newest of them."""
