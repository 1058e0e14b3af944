"""What the services say to each other: facts, their envelope, their registry. Pydantic only, no I/O."""
