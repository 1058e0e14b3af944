"""Alembic's entry: revisions run on the connection that the runner opened."""

from libs.servicekit.migrations import run_env

run_env()
