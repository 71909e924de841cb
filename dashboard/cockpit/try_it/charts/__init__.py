"""What is drawn of an answer: data in, a figure out."""
