"""`make bench`: what the services cost, beside their yardsticks and their peers, measured in one run."""
