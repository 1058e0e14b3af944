"""The first schema: merchants, contacts, consents, templates, intents, and the tables of bus and servicekit."""

from collections.abc import Sequence

from alembic import op

from libs.eventbus import schema
from libs.servicekit.audit import audit_tables
from libs.servicekit.effects import effect_tables
from libs.servicekit.idempotency import idempotency_tables
from libs.servicekit.jobs import job_tables
from libs.servicekit.migrations import execute_all
from libs.servicekit.tenancy import enable_tenancy, merchant_tables
from libs.servicekit.timers import timer_tables

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_SERVICE = "messaging"

_CONTACTS: Sequence[str] = (
    # details: e-mail, phone and names as JSON, encrypted and bound to this row.
    """
    CREATE TABLE contact (
        merchant_no int4 NOT NULL, customer_id uuid NOT NULL, identity_version int8 NOT NULL DEFAULT 0,
        details bytea, email_hash text, locale text, time_zone text, anonymous boolean NOT NULL DEFAULT false,
        merged_into uuid, merge_version int8 NOT NULL DEFAULT 0, erased_at timestamptz,
        PRIMARY KEY (merchant_no, customer_id), CHECK (merged_into <> customer_id)
    ) WITH (fillfactor = 80)
    """,
    "CREATE INDEX contact_address ON contact (merchant_no, email_hash) WHERE email_hash IS NOT NULL",
    "CREATE INDEX contact_aliases ON contact (merchant_no, merged_into) WHERE merged_into IS NOT NULL",
    """
    CREATE TABLE consent (
        merchant_no int4 NOT NULL, customer_id uuid NOT NULL, channel text NOT NULL, topic text NOT NULL,
        state text NOT NULL, act jsonb, snapshot jsonb, withdrawn_here_at timestamptz, subscribed_at timestamptz,
        PRIMARY KEY (merchant_no, customer_id, channel, topic)
    )
    """,
    # Every statement ever heard, as proof.
    """
    CREATE TABLE consent_entry (
        merchant_no int4 NOT NULL, entry_id uuid NOT NULL, customer_id uuid NOT NULL, channel text NOT NULL,
        topic text NOT NULL, state text NOT NULL, made text NOT NULL, source text NOT NULL, text_version text,
        ip_hash text, at timestamptz NOT NULL, recorded_at timestamptz NOT NULL,
        PRIMARY KEY (merchant_no, entry_id)
    )
    """,
    "CREATE INDEX consent_entry_customer ON consent_entry (merchant_no, customer_id, at, entry_id)",
    "REVOKE UPDATE, TRUNCATE ON consent_entry FROM messaging_api, messaging_worker",
    "REVOKE DELETE ON consent_entry FROM messaging_api",
    """
    CREATE TABLE suppression (
        merchant_no int4 NOT NULL, channel text NOT NULL, address_hash text NOT NULL,
        reason text NOT NULL CHECK (reason IN ('unsubscribed', 'bounced', 'complained', 'manual')),
        suppression_id uuid NOT NULL UNIQUE, at timestamptz NOT NULL,
        PRIMARY KEY (merchant_no, channel, address_hash, reason)
    )
    """,
)
_TEMPLATES: Sequence[str] = (
    """
    CREATE TABLE template (
        merchant_no int4 NOT NULL, template_id uuid NOT NULL, purpose text NOT NULL, name text NOT NULL,
        channel text NOT NULL, topic text NOT NULL, message_class text NOT NULL
            CHECK (message_class IN ('transactional', 'service', 'marketing')),
        published_version int4 NOT NULL, PRIMARY KEY (merchant_no, template_id)
    )
    """,
    "CREATE UNIQUE INDEX template_purpose ON template (merchant_no, purpose)",
    """
    CREATE TABLE template_version (
        merchant_no int4 NOT NULL, template_id uuid NOT NULL, version int4 NOT NULL,
        state text NOT NULL CHECK (state IN ('draft', 'published')), subject text NOT NULL, html text NOT NULL,
        created_at timestamptz NOT NULL, published_at timestamptz, PRIMARY KEY (merchant_no, template_id, version)
    )
    """,
    "CREATE TABLE policy (merchant_no int4 PRIMARY KEY, cap_messages int4 NOT NULL, cap_days int4 NOT NULL)",
)
_INTENTS: Sequence[str] = (
    # Live orders whose payment was read; an intent may wait for one.
    """
    CREATE TABLE heard_order (
        merchant_no int4 NOT NULL, order_id uuid NOT NULL, heard_at timestamptz NOT NULL,
        PRIMARY KEY (merchant_no, order_id)
    )
    """,
    "CREATE INDEX heard_order_age ON heard_order (heard_at)",
    """
    CREATE TABLE intent (
        merchant_no int4 NOT NULL, intent_id uuid NOT NULL, customer_id uuid NOT NULL, cause_fact_id uuid NOT NULL,
        correlation_id text NOT NULL, traceparent text, origin text NOT NULL, purpose text NOT NULL,
        channel text NOT NULL, topic text NOT NULL, message_class text NOT NULL, template_id uuid NOT NULL,
        template_version int4 NOT NULL, context jsonb NOT NULL, wait_for_order_id uuid,
        state text NOT NULL CHECK (state IN
            ('waiting', 'planned', 'claimed', 'handed_off', 'suppressed', 'failed', 'unknown')),
        reason text, planned_at timestamptz NOT NULL, claimed_at timestamptz, settled_at timestamptz,
        PRIMARY KEY (merchant_no, intent_id),
        CHECK ((state IN ('waiting', 'planned', 'claimed')) = (settled_at IS NULL)),
        CHECK ((state = 'waiting') = (wait_for_order_id IS NOT NULL)),
        CHECK ((reason IS NULL) = (settled_at IS NULL))
    ) WITH (fillfactor = 80)
    """,
    "CREATE INDEX intent_waiting ON intent (merchant_no, wait_for_order_id) WHERE wait_for_order_id IS NOT NULL",
    "CREATE INDEX intent_customer ON intent (customer_id, merchant_no, planned_at, intent_id)",
    "CREATE INDEX intent_list ON intent (merchant_no, planned_at, intent_id)",
    # What counts against the cap: messages that went out, or may have.
    """
    CREATE INDEX intent_cap ON intent (merchant_no, customer_id, claimed_at)
    WHERE state IN ('claimed', 'handed_off', 'unknown')
    """,
)
_OWN_TABLES = (
    "contact",
    "consent",
    "consent_entry",
    "suppression",
    "template",
    "template_version",
    "policy",
    "heard_order",
    "intent",
)
_KIT_TABLES = ("audit_log", "idempotency", "job", "due_row", "effect")


def upgrade() -> None:
    """Every table stands, empty, closed to other merchants."""
    execute_all(schema.UPGRADE)
    execute_all(merchant_tables(_SERVICE))
    for tables in (timer_tables, job_tables, effect_tables, audit_tables, idempotency_tables):
        execute_all(tables(_SERVICE))
    execute_all((*_CONTACTS, *_TEMPLATES, *_INTENTS))
    for table in _OWN_TABLES:
        execute_all(enable_tenancy(table, _SERVICE))


def downgrade() -> None:
    """Nothing of the service is left."""
    for table in (*_OWN_TABLES, *_KIT_TABLES):
        op.execute(f"DROP TABLE {table}")
    op.execute("DROP FUNCTION set_tenant(uuid)")
    op.execute("DROP TABLE merchant")
    execute_all(schema.DOWNGRADE)
