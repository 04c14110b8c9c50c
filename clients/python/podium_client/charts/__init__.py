"""Charts of what models answer, drawn with matplotlib."""
