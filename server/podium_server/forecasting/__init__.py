"""Time series observed at irregular times: read, padded, and brought back from the network's numbers."""
