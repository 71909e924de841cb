"""Monitoring: traffic, drift, performance and decisions."""
