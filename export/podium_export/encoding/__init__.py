"""Encodes folders of pictures with a package's own encoder, as the server would."""
