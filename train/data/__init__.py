"""Training data: synthetic puppets, pairs of frames from clips, and how to prepare them."""
