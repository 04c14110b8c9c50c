"""Dynamic batching of stateless graphs: a pure queue that decides, and threads that run what it decided."""
