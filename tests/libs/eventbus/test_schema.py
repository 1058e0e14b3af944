"""The bus tables come and go with a migration."""

from sqlalchemy import text

from libs.eventbus import schema, schema_epochs
from tests.libs.eventbus.bed import Bed


async def test_downgrade_leaves_nothing_of_the_bus_behind(bed: Bed) -> None:
    async with bed.engine.begin() as connection:
        for statement in (*schema_epochs.DOWNGRADE, *schema.DOWNGRADE):
            await connection.execute(text(statement))

    left = await bed.sql(
        "SELECT relname FROM pg_class WHERE relname ~ '^(outbox|inbox|parked|attempt|worker|halted|forgotten)'"
    )
    assert left == []
