"""Pictures: from encoded bytes to rows of a network's input."""
