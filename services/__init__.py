"""One folder is one deployable and one database."""
