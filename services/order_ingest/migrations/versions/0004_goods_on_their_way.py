"""Fulfilments and returns of an order, beside its refunds; due rows for what the clock brings about.

Revision ID: 0004
Revises: 0003
"""

from libs.servicekit.migrations import execute_all
from libs.servicekit.timers import TIMERS_BY_OWN_KEY, timer_tables

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_COLUMNS = {"fulfilments": "text", "returns": "text", "completed_at": "timestamptz"}


def upgrade() -> None:
    execute_all([f"ALTER TABLE customer_order ADD COLUMN {name} {kind}" for name, kind in _COLUMNS.items()])
    execute_all(timer_tables("order_ingest"))
    execute_all(TIMERS_BY_OWN_KEY)


def downgrade() -> None:
    execute_all(["DROP TABLE due_row"])
    execute_all([f"ALTER TABLE customer_order DROP COLUMN {name}" for name in _COLUMNS])
