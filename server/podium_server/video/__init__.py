"""Clips: decoded, their frames chosen, read, cut into windows, and looked at by a network."""
