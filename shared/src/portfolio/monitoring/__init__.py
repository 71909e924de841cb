"""Watching a model: how far the rows of today are from those it was tested on."""
