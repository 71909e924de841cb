"""Quality: how good a model is, where it is weaker, and what it looks at."""
