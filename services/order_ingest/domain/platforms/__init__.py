"""One module per platform: its words, translated into canonical changes."""
