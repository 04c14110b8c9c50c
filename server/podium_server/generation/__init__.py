"""The generation engine: one step graph, written by all its sequences at once."""
