"""The tables of epochs, as statements for each service's second migration: what sources and readers know of forks."""

from collections.abc import Sequence

UPGRADE: Sequence[str] = (
    # Where the source's earlier epochs ended: its lineage.
    """
    CREATE TABLE outbox_epoch (
        topic text NOT NULL, lane int2 NOT NULL, epoch int4 NOT NULL, last_seq int8 NOT NULL, chain bytea NOT NULL,
        ended_at timestamptz NOT NULL, ended_by text NOT NULL, reason text NOT NULL, PRIMARY KEY (topic, lane, epoch)
    )
    """,
    # What a group's marks passed, a row for each lane of a batch: ids and chains one after the other, 16 bytes each.
    # A mark alone cannot tell which events a restored source forgot, and the log may be wiped.
    """
    CREATE TABLE inbox_trail (
        consumer_group text NOT NULL, source text NOT NULL, topic text NOT NULL, lane int2 NOT NULL,
        last_seq int8 NOT NULL, ids bytea NOT NULL, chains bytea NOT NULL, types text NOT NULL,
        passed_at timestamptz NOT NULL DEFAULT now(), PRIMARY KEY (consumer_group, source, topic, lane, last_seq)
    )
    """,
    # Rows come in the order of time and go by age: a block range index costs nearly nothing.
    "CREATE INDEX inbox_trail_age ON inbox_trail USING brin (passed_at)",
    # Lanes that wait for an operator, also after a restart; `opening`: the first record of the epoch heard since.
    """
    CREATE TABLE halted_lane (
        consumer_group text NOT NULL, source text NOT NULL, topic text NOT NULL, lane int2 NOT NULL,
        reason text NOT NULL, halted_at timestamptz NOT NULL DEFAULT now(), epoch int4 NOT NULL DEFAULT 0,
        opening jsonb, PRIMARY KEY (consumer_group, source, topic, lane)
    )
    """,
    # Events that took effect here and that their source forgot: said again under the same id, they are passed by.
    """
    CREATE TABLE forgotten_event (
        consumer_group text NOT NULL, event_id uuid NOT NULL, source text NOT NULL, topic text NOT NULL,
        lane int2 NOT NULL, seq int8 NOT NULL, type text NOT NULL, accepted_at timestamptz NOT NULL DEFAULT now(),
        accepted_by text NOT NULL, reason text NOT NULL, PRIMARY KEY (consumer_group, event_id)
    )
    """,
)

DOWNGRADE: Sequence[str] = (
    "DROP TABLE forgotten_event",
    "DROP TABLE halted_lane",
    "DROP TABLE inbox_trail",
    "DROP TABLE outbox_epoch",
)
