"""The ports, in PostgreSQL and over the wire."""
