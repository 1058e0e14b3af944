"""Alembic's entry: revisions run on the connection that the migrate process opened."""

from libs.servicekit.migrations import run_env

run_env()
