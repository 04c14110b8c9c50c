"""Which versions of a model are served, and who of them answers a call: decisions, files, and what watches them."""
