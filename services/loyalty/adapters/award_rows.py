"""Awards, and the terms that they were made under."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import TextClause, text
from sqlalchemy.ext.asyncio import AsyncConnection

from libs.eventbus.writes import Writes
from services.loyalty.adapters.columns import columns
from services.loyalty.adapters.errors import all_of
from services.loyalty.adapters.rules_json import terms_from_json
from services.loyalty.application.workspace import Workspace
from services.loyalty.domain.awards import Award
from services.loyalty.domain.terms import Terms, content, terms_id

_TERMS = text("""
SELECT t.terms_id, t.content
FROM unnest(CAST(:merchants AS int4[]), CAST(:ids AS bytea[])) k(merchant_no, terms_id)
CROSS JOIN LATERAL (SELECT terms_id, content FROM terms
                    WHERE merchant_no = k.merchant_no AND terms_id = k.terms_id OFFSET 0) t
""")
_ADD_TERMS = text("""
INSERT INTO terms (merchant_no, terms_id, numerator, denominator, content)
SELECT * FROM unnest(CAST(:merchants AS int4[]), CAST(:ids AS bytea[]), CAST(:numerators AS numeric[]),
    CAST(:denominators AS numeric[]), CAST(:contents AS text[])) ON CONFLICT DO NOTHING
""")
_LOAD = text("""
SELECT w.* FROM unnest(CAST(:merchants AS int4[]), CAST(:ids AS uuid[])) k(merchant_no, order_id)
CROSS JOIN LATERAL (
    SELECT merchant_no, programme_no, order_id, terms_id, line, rule_no, eligible, refunded, earned, reversed, revision
    FROM award WHERE merchant_no = k.merchant_no AND order_id = k.order_id OFFSET 0) w
""")
_AWARD_COLUMNS = (
    "merchants ids programmes lines rules rule_versions terms eligible refunded earned reversed revisions was"
)
_AWARD_ARRAYS = """unnest(CAST(:merchants AS int4[]), CAST(:ids AS uuid[]), CAST(:programmes AS int4[]),
    CAST(:lines AS text[]), CAST(:rules AS int4[]), CAST(:rule_versions AS int4[]), CAST(:terms AS bytea[]),
    CAST(:eligible AS int8[]), CAST(:refunded AS int8[]), CAST(:earned AS int8[]), CAST(:reversed AS int8[]),
    CAST(:revisions AS int4[]), CAST(:was AS int4[]))
    k(merchant_no, order_id, programme_no, line, rule_no, rule_version, terms_id, eligible, refunded, earned, reversed,
      revision, was)"""
_INSERT_AWARDS = text(f"""
INSERT INTO award (merchant_no, order_id, programme_no, line, rule_no, rule_version, terms_id, eligible, refunded,
    earned, reversed, revision)
SELECT merchant_no, order_id, programme_no, line, rule_no, rule_version, terms_id, eligible, refunded, earned,
    reversed, revision
FROM {_AWARD_ARRAYS}
""")  # noqa: S608
_UPDATE_AWARDS = text(f"""
UPDATE award w SET eligible = k.eligible, refunded = k.refunded, earned = k.earned, reversed = k.reversed,
    revision = k.revision
FROM {_AWARD_ARRAYS}
WHERE (w.merchant_no, w.order_id, w.programme_no, w.line, w.rule_no)
    = (k.merchant_no, k.order_id, k.programme_no, k.line, k.rule_no) AND w.revision = k.was
""")  # noqa: S608


class Awards:
    """Loads and stores awards; terms never change, so each is read once per process."""

    def __init__(self) -> None:
        self._terms: dict[tuple[int, bytes], Terms] = {}

    async def load(self, connection: AsyncConnection, workspace: Workspace) -> None:
        """The awards of all orders in the workspace are there too."""
        if not workspace.orders:
            return
        rows = (await connection.execute(_LOAD, columns("merchants ids", sorted(workspace.orders)))).fetchall()
        await self._learn(connection, {(row[0], bytes(row[3])) for row in rows})
        for row in rows:
            terms = self._terms[row[0], bytes(row[3])]
            award = Award(row[0], row[1], row[2], terms, *row[4:11])
            award.stored_revision = award.revision
            workspace.awards[award.merchant_no, award.order_id] = award

    def store(self, writes: Writes, workspace: Workspace) -> None:
        """Awards and their terms are stored as the workspace has them, with the writes."""
        awards = sorted(
            (award for award in workspace.awards.values() if award.touched or award.stored_revision is None),
            key=lambda award: (award.merchant_no, award.order_id),
        )
        fresh = [award for award in awards if award.stored_revision is None]
        self._add_terms(writes, fresh)
        _write(writes, _INSERT_AWARDS, fresh)
        _write(writes, _UPDATE_AWARDS, [award for award in awards if award.stored_revision is not None])

    async def _learn(self, connection: AsyncConnection, wanted: set[tuple[int, bytes]]) -> None:
        unknown = sorted(wanted - set(self._terms))
        if not unknown:
            return
        rows = await connection.execute(_TERMS, columns("merchants ids", unknown))
        contents = {bytes(row[0]): row[1] for row in rows}
        for merchant_no, each in unknown:
            self._terms[merchant_no, each] = terms_from_json(contents[each])

    def _add_terms(self, writes: Writes, awards: Sequence[Award]) -> None:
        fresh = {(award.merchant_no, terms_id(award.terms)): award.terms for award in awards}
        rows = [
            (merchant_no, each, terms.numerator, terms.denominator, content(terms))
            for (merchant_no, each), terms in sorted(fresh.items(), key=lambda item: item[0])
            if (merchant_no, each) not in self._terms
        ]
        if rows:
            writes.add(_ADD_TERMS, columns("merchants ids numerators denominators contents", rows))


def _write(writes: Writes, statement: TextClause, awards: Sequence[Award]) -> None:
    if awards:
        writes.add(statement, columns(_AWARD_COLUMNS, map(_award_row, awards)), all_of(len(awards), "awards"))


def _award_row(award: Award) -> tuple[Any, ...]:
    return (
        award.merchant_no,
        award.order_id,
        award.programme_no,
        award.line,
        award.rule_no,
        award.terms.rule_version,
        terms_id(award.terms),
        award.eligible,
        award.refunded,
        award.earned,
        award.reversed,
        award.revision,
        award.stored_revision or 0,
    )
