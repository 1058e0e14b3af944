"""The rules that are broken in the real code, and the tests that must notice."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Edit:
    """One text replaced in one file; it must be there exactly once."""

    file: str
    old: str
    new: str


@dataclass(frozen=True, slots=True)
class Mutation:
    """A broken rule, and the test that must fail with it."""

    name: str
    edits: Sequence[Edit]
    test: str


MUTATIONS: Sequence[Mutation] = (
    Mutation(
        "relay cursor: compare-and-set replaced by greatest",
        (
            Edit(
                "libs/eventbus/outbox_reading.py",
                "UPDATE outbox_cursor t SET published = x.hi\n",
                "UPDATE outbox_cursor t SET published = greatest(t.published, x.hi)\n",
            ),
            Edit("libs/eventbus/outbox_reading.py", " AND t.published = x.lo RETURNING", " RETURNING"),
        ),
        "tests/libs/eventbus/test_relay.py::test_a_rewind_while_a_batch_is_in_flight_wins",
    ),
    Mutation(
        "lane counter replaced by a plain sequence",
        (
            Edit(
                "libs/eventbus/outbox.py",
                "UPDATE outbox_lane t SET next_seq = next_seq + k.n FROM k",
                "UPDATE outbox_lane t SET next_seq = greatest(t.next_seq, (SELECT max(nextval('plain')) + 1 FROM "
                "generate_series(1, k.n))) FROM k",
            ),
            Edit(
                "libs/eventbus/schema.py",
                "_SOURCE_TABLES: Sequence[str] = (\n",
                '_SOURCE_TABLES: Sequence[str] = (\n    "CREATE SEQUENCE plain",\n',
            ),
            Edit("libs/eventbus/outbox.py", "ORDER BY o.topic, o.lane FOR UPDATE OF o)", "ORDER BY o.topic, o.lane)"),
        ),
        "tests/libs/eventbus/test_outbox.py"
        "::test_concurrent_transactions_leave_a_gapless_chained_outbox_in_commit_order",
    ),
    Mutation(
        "probe of parked subjects skipped",
        (
            Edit(
                "libs/eventbus/batch.py",
                "held = await parked.open_subjects(connection, group, records) if any_parked else set()",
                "held = await parked.open_subjects(connection, group, []) if any_parked else set()",
            ),
        ),
        "tests/libs/eventbus/test_applying.py::test_later_batches_of_a_parked_subject_wait_behind_it",
    ),
    Mutation(
        "replay without the lane's lock",
        (
            Edit(
                "libs/eventbus/replaying.py",
                "                await marks.lock(connection, self.group.name, [_lane(place)])\n                lowest",
                "                lowest",
            ),
        ),
        "tests/libs/eventbus/test_replaying.py"
        "::test_a_replay_ends_only_after_a_batch_under_way_has_parked_what_it_read",
    ),
    Mutation(
        "ledger: idempotency key off",
        (
            Edit(
                "services/loyalty/domain/entries.py",
                '    return derived_id(merchant_id, "entry", key)\n',
                '    return __import__("uuid").uuid4()\n',
            ),
        ),
        "tests/services/loyalty/domain/test_ledger_machine.py",
    ),
    Mutation(
        "awards: convergence replaced by increments",
        (
            Edit(
                "services/loyalty/domain/awards.py",
                "    missing = target(order, award.terms) - (award.earned - award.reversed)\n",
                "    missing = -award.terms.points(order.refunded) if award.earned else target(order, award.terms)\n",
            ),
        ),
        "tests/services/loyalty/entrypoints/test_subscriptions.py",
    ),
)
