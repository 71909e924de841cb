"""Which phone plan suits a customer."""
