"""Effects and due rows are found by their own keys, not among all rows of their merchant.

Revision ID: 0003
Revises: 0002
"""

from libs.servicekit.effects import EFFECTS_BY_MERCHANT, EFFECTS_BY_OWN_KEY
from libs.servicekit.migrations import execute_all
from libs.servicekit.timers import TIMERS_BY_MERCHANT, TIMERS_BY_OWN_KEY

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    execute_all([*EFFECTS_BY_OWN_KEY, *TIMERS_BY_OWN_KEY])


def downgrade() -> None:
    execute_all([*EFFECTS_BY_MERCHANT, *TIMERS_BY_MERCHANT])
