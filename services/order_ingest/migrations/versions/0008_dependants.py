"""Whom customers care for: which statement about each was the newest, without anything personal.

Revision ID: 0008
Revises: 0007
"""

from libs.servicekit.migrations import execute_all
from libs.servicekit.tenancy import enable_tenancy

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

# `told` is a keyed hash of what was said; `version` counts how often something was.
_DEPENDANT = """
    CREATE TABLE dependant (
        dependant_id uuid NOT NULL,
        merchant_no int4 NOT NULL,
        at_us int8 NOT NULL,
        removed bool NOT NULL,
        body_hash text NOT NULL,
        told text NOT NULL,
        version int4 NOT NULL,
        updated_at timestamptz NOT NULL,
        PRIMARY KEY (dependant_id, merchant_no)
    )
"""


def upgrade() -> None:
    execute_all([_DEPENDANT, *enable_tenancy("dependant", "order_ingest")])


def downgrade() -> None:
    execute_all(["DROP TABLE dependant"])
