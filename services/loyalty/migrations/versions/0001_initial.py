"""The first schema: merchants, programmes, the ledger, order copies, and the tables of bus and servicekit."""

from alembic import op

from libs.eventbus import schema
from libs.servicekit.audit import audit_tables
from libs.servicekit.effects import effect_tables
from libs.servicekit.idempotency import idempotency_tables
from libs.servicekit.jobs import job_tables
from libs.servicekit.migrations import execute_all
from libs.servicekit.tenancy import merchant_tables
from libs.servicekit.timers import timer_tables
from services.loyalty.migrations import schema_0001

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_KIT_TABLES = ("audit_log", "idempotency", "job", "due_row", "effect")


def upgrade() -> None:
    """Every table stands, empty, closed to other merchants."""
    execute_all(schema.UPGRADE)
    execute_all(merchant_tables(schema_0001.SERVICE))
    for tables in (timer_tables, job_tables, effect_tables, audit_tables, idempotency_tables):
        execute_all(tables(schema_0001.SERVICE))
    execute_all(schema_0001.UPGRADE)


def downgrade() -> None:
    """Nothing of the service is left."""
    execute_all(schema_0001.DOWNGRADE)
    for table in _KIT_TABLES:
        op.execute(f"DROP TABLE {table}")
    op.execute("DROP FUNCTION set_tenant(uuid)")
    op.execute("DROP TABLE merchant")
    execute_all(schema.DOWNGRADE)
