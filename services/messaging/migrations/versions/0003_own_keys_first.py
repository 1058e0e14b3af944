"""A row is found by its own id, not among all rows of its merchant.

A plan made while the table was empty took the index of the list of intents for it, which begins with the merchant:
every probe read all of the merchant's intents, for as long as the worker lived. Likewise for effects and due rows.

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
    execute_all(["ALTER TABLE intent DROP CONSTRAINT intent_pkey, ADD PRIMARY KEY (intent_id, merchant_no)"])
    execute_all([*EFFECTS_BY_OWN_KEY, *TIMERS_BY_OWN_KEY])


def downgrade() -> None:
    execute_all(["ALTER TABLE intent DROP CONSTRAINT intent_pkey, ADD PRIMARY KEY (merchant_no, intent_id)"])
    execute_all([*EFFECTS_BY_MERCHANT, *TIMERS_BY_MERCHANT])
