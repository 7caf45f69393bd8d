"""The networks: modules only, no input or output."""
