"""An intent is found by its own id, not among all intents of its merchant.

A plan made while the table was empty took the index of the list for it, which begins with the merchant: every probe
read all of the merchant's intents, for as long as the worker lived.

Revision ID: 0003
Revises: 0002
"""

from libs.servicekit.migrations import execute_all

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    execute_all(["ALTER TABLE intent DROP CONSTRAINT intent_pkey, ADD PRIMARY KEY (intent_id, merchant_no)"])


def downgrade() -> None:
    execute_all(["ALTER TABLE intent DROP CONSTRAINT intent_pkey, ADD PRIMARY KEY (merchant_no, intent_id)"])
