"""Training: from a data file to a bundle with a verdict."""

from portfolio.training.command import training_command

__all__ = ["training_command"]
