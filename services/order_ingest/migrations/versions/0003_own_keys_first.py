"""Indexes lead with what they are asked for, not with the merchant, where the merchant's rows grow without end.

A plan made while a table was empty takes any index whose first column matches. The normaliser's probe by order went
through the index by external id, hence through all of the merchant's orders, for as long as the worker lived.

Revision ID: 0003
Revises: 0002
"""

from libs.servicekit.migrations import execute_all

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_INDEXES = (
    ("customer_order_external", "customer_order", "external_id"),
    ("customer_order_of_customer", "customer_order", "customer_id"),
    ("identity_of_customer", "identity", "customer_id"),
    ("product_external", "product", "external_id"),
)


def upgrade() -> None:
    execute_all(
        ["ALTER TABLE customer_order DROP CONSTRAINT customer_order_pkey, ADD PRIMARY KEY (order_id, merchant_no)"]
    )
    for name, table, column in _INDEXES:
        execute_all([f"DROP INDEX {name}", f"CREATE INDEX {name} ON {table} ({column}, merchant_no)"])


def downgrade() -> None:
    execute_all(
        ["ALTER TABLE customer_order DROP CONSTRAINT customer_order_pkey, ADD PRIMARY KEY (merchant_no, order_id)"]
    )
    for name, table, column in _INDEXES:
        execute_all([f"DROP INDEX {name}", f"CREATE INDEX {name} ON {table} (merchant_no, {column})"])
