"""Finds directions of latent space that mean something, from labelled pictures: `podium directions`."""
