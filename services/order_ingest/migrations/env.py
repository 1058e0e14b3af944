"""Alembic's entry: the shared runner does the work."""

from libs.servicekit.migrations import run_env

run_env()
