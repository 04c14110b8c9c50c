"""Who may call, over what, and how much: certificates, tokens, limits a client."""
