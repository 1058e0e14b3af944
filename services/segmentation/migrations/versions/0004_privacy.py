"""Aliases are found by their survivor, and what must be answered later is noted.

An erasure clears what describes a person under every id that was merged into theirs. A request for all that is kept
is answered by a timer, since a fold never looks through tables.

Revision ID: 0004
Revises: 0003
"""

from libs.servicekit.migrations import execute_all
from libs.servicekit.timers import TIMERS_BY_OWN_KEY, timer_tables

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

# The condition holds for every alias. It keeps this index from statements that look for a customer by its own id.
_ALIASES = """
    CREATE INDEX customer_aliases ON customer (merged_into, merchant_no) WHERE merged_into <> customer_id
"""


def upgrade() -> None:
    execute_all([_ALIASES, *timer_tables("segmentation"), *TIMERS_BY_OWN_KEY])


def downgrade() -> None:
    execute_all(["DROP TABLE due_row", "DROP INDEX customer_aliases"])
