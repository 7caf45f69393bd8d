"""Drawing and input: the window and everything in it."""
