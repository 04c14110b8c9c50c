"""Between texts and tokens: tokenizers, texts as they are written, stop texts, and how tokens are to be chosen."""
