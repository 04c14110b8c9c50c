"""Pictures on labelled sheets, drawn by the client for commands and the demo alike."""
