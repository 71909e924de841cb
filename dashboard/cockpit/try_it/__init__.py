"""Try it: ask a model about one case that a form describes, or about the rows of a file."""
