"""Everything there is from the start: libraries' tables, then stores, intake, books, imports.

Revision ID: 0001
Revises:
"""

from libs.eventbus import schema
from libs.servicekit.audit import audit_tables
from libs.servicekit.idempotency import idempotency_tables
from libs.servicekit.jobs import job_tables
from libs.servicekit.migrations import execute_all
from libs.servicekit.tenancy import merchant_tables
from services.order_ingest.migrations import books, imports, intake, stores

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_SERVICE = "order_ingest"
_TABLES = (
    "import_rejection",
    "import_chunk",
    "import",
    "order_version",
    "product",
    "identity",
    "customer",
    "customer_order",
    "delivery_outcome",
    "webhook_delivery",
    "webhook_dedupe",
    "intake_mark",
    "intake_lane",
    "store_secret",
    "store",
    "audit_log",
    "job",
    "idempotency",
)


def upgrade() -> None:
    execute_all(merchant_tables(_SERVICE))
    execute_all(schema.UPGRADE)
    for tables in (idempotency_tables, job_tables, audit_tables):
        execute_all(tables(_SERVICE))
    for part in (stores, intake, books, imports):
        execute_all(part.UPGRADE)


def downgrade() -> None:
    execute_all([f"DROP TABLE {table}" for table in _TABLES])
    execute_all(["DROP FUNCTION intake_drop_day(text)", "DROP FUNCTION intake_ensure_days(date, int4)"])
    execute_all(schema.DOWNGRADE)
    execute_all(["DROP FUNCTION set_tenant(uuid)", "DROP TABLE merchant"])
