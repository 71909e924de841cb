"""A library for portfolios of model APIs: train, bundle, gate, serve and watch tabular models."""
