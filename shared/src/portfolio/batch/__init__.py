"""Batch scoring: files of rows in, the same rows with their answers out, in constant memory, resumable."""
