"""Captured calls: asked again of another server, and how far its answers differ."""
