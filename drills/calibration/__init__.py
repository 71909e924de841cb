"""How often monitoring is wrong, measured on rows whose truth is known."""
