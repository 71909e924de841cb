"""What is drawn of traffic and runs: data in, a figure out."""
