"""What the bus counts, for Prometheus."""

from prometheus_client import Counter, Gauge, Histogram

PUBLISHED = Counter("eventbus_published_total", "Outbox rows handed to the bus", ["source", "topic"])
UNPUBLISHED_SECONDS = Gauge(
    "eventbus_oldest_unpublished_seconds", "Age of the oldest row not handed over", ["source", "bus"]
)
LEADER = Gauge("eventbus_relay_leader", "1 while this process is its source's relay to that bus", ["source", "bus"])
RELAY_FAILURES = Counter("eventbus_relay_failures_total", "Rounds of the relay that failed", ["source"])
REWINDS = Counter("eventbus_rewinds_total", "Cursors lowered on request", ["source", "topic"])
JUMPS = Counter("eventbus_cursor_jumps_total", "Cursors below the floor moved up to it", ["source", "topic"])
HOLES = Gauge("eventbus_lanes_with_hole", "Lanes held because a committed row is missing", ["source", "bus"])
HELD_DAYS = Gauge("eventbus_retention_held_days", "Expired days kept because a group is behind", ["store"])
FORCED = Counter("eventbus_retention_forced_total", "Groups that lost rows to the hard cap", ["store", "group"])

APPLIED = Counter("eventbus_applied_total", "Events applied", ["group"])
DUPLICATES = Counter("eventbus_duplicates_total", "Records at or below the mark, dropped", ["group"])
OUT_OF_ORDER = Counter("eventbus_out_of_order_total", "Records beyond the next one, dropped", ["group"])
SUSPICIONS = Counter("eventbus_suspicions_total", "Records or watermarks that contradict a mark", ["group"])
UNKNOWN = Counter("eventbus_unknown_facts_total", "Events of a fact that nobody here knows, passed by", ["group"])
GARBAGE = Counter("eventbus_garbage_total", "Records without a readable envelope", ["group"])
PARKED = Counter("eventbus_parked_total", "Events parked", ["group", "why"])
REWINDS_ASKED = Counter("eventbus_rewinds_requested_total", "Rewinds asked for", ["group"])
VERIFIES_ASKED = Counter("eventbus_verifies_requested_total", "Verifications asked for", ["group"])
RETRIES = Counter("eventbus_retries_total", "Failed tries that are made again", ["group", "kind"])
RETRYING_SECONDS = Gauge("eventbus_retrying_seconds", "How long the same batch has been failing", ["group"])
HALTED_LANES = Gauge("eventbus_halted_lanes", "Lanes stopped until an operator acts", ["group"])
STOPPED = Gauge("eventbus_group_stopped", "1 while the group is stopped until an operator acts", ["group"])
REBUILDS = Counter("eventbus_rebuilds_total", "Consumers rebuilt by the watchdog", ["group"])
LAG = Gauge("eventbus_lag_records", "Records not committed by the group", ["group"])
LAG_SECONDS = Gauge(
    "eventbus_lag_seconds", "Time from recording to applying of the last batch's oldest event", ["group"]
)
BATCH_SECONDS = Histogram("eventbus_batch_seconds", "Duration of a batch's transaction", ["group"])
