"""Drawing: what a service said in, a figure out; nothing here asks anybody."""
