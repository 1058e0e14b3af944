"""The embedded bus: its database has the topics of deploy/topics.yaml."""

from collections.abc import Mapping
from datetime import UTC, datetime

import asyncpg
import yaml

from deploy.local.folders import REPOSITORY
from libs.eventbus.postgres_schema import install

CLIENT_ROLE = "bus_client"


def topic_partitions() -> Mapping[str, int]:
    """Every topic with its number of partitions."""
    topics = yaml.safe_load((REPOSITORY / "deploy" / "topics.yaml").read_text())
    return {name: int(each["partitions"]) for name, each in topics.items()}


async def install_bus(owner_url: str) -> None:
    """The bus is ready for the services; doing it again changes nothing."""
    connection = await asyncpg.connect(owner_url)
    try:
        await install(connection, topics=topic_partitions(), now=datetime.now(UTC), client_role=CLIENT_ROLE)
    finally:
        await connection.close()
