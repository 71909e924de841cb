"""Which bank customers are about to leave."""
