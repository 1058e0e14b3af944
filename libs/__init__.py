"""Code that at least two services need."""
