"""The document: what a person made, as immutable plain Python. No Qt, no tensors, no engine."""
