"""Revision 0001: history imports, their uploaded chunks and the rows that were refused."""

from libs.servicekit.tenancy import enable_tenancy

_SERVICE = "order_ingest"

UPGRADE = (
    """
    CREATE TABLE import (
        merchant_no int4 NOT NULL,
        import_id uuid NOT NULL,
        store_no int4 NOT NULL,
        state text NOT NULL DEFAULT 'uploading'
            CHECK (state IN ('uploading', 'queued', 'running', 'finished', 'failed')),
        options jsonb NOT NULL,
        job_id uuid,
        rows_uploaded int8 NOT NULL DEFAULT 0,
        rows_read int8 NOT NULL DEFAULT 0,
        accepted int8 NOT NULL DEFAULT 0,
        duplicates int8 NOT NULL DEFAULT 0,
        rejected int8 NOT NULL DEFAULT 0,
        created_at timestamptz NOT NULL,
        started_at timestamptz,
        finished_at timestamptz,
        PRIMARY KEY (merchant_no, import_id)
    )
    """,
    "CREATE INDEX import_by_time ON import (merchant_no, created_at, import_id)",
    # Whole lines, about 1 MiB each before compression: resuming opens one chunk, not the file from its start.
    """
    CREATE TABLE import_chunk (
        merchant_no int4 NOT NULL,
        import_id uuid NOT NULL,
        chunk_no int4 NOT NULL,
        first_row int8 NOT NULL,
        rows int4 NOT NULL,
        body_enc bytea NOT NULL,
        PRIMARY KEY (merchant_no, import_id, chunk_no)
    )
    """,
    "ALTER TABLE import_chunk ALTER COLUMN body_enc SET STORAGE EXTERNAL",
    # The row's number and what is wrong with it; never the row itself, which holds personal data.
    """
    CREATE TABLE import_rejection (
        merchant_no int4 NOT NULL,
        import_id uuid NOT NULL,
        row_no int8 NOT NULL,
        external_id text,
        reason text NOT NULL,
        PRIMARY KEY (merchant_no, import_id, row_no)
    )
    """,
    *(
        statement
        for table in ("import", "import_chunk", "import_rejection")
        for statement in enable_tenancy(table, _SERVICE)
    ),
)
