"""Every statement of fold and sender finds its rows by a key, on empty tables and on filled ones.

The worker keeps one generic plan per statement: a plan made on an empty table lives on when the table is large.
"""

from typing import Any

import pytest

from deploy.local.databases import ServiceUrls
from services.messaging.adapters import (
    admissions,
    consent_rows,
    contact_rows,
    email_effects,
    exports,
    intent_rows,
    merchant_rows,
    suppression_rows,
)
from tests.plans import analyse, statements_of, walks
from tests.services.messaging.facts import consented, earned, merchant, paid, registered
from tests.services.messaging.messaging import Messaging
from tests.throwaway import Databases

STATEMENTS = statements_of(
    admissions, consent_rows, contact_rows, email_effects, exports, intent_rows, merchant_rows, suppression_rows
)
FEW_ROWS = ("merchant", "template", "template_version", "policy")


@pytest.fixture(scope="module")
async def messaging_urls(databases: Databases) -> ServiceUrls:
    """A database that no statistics were ever made in."""
    return await databases.fresh("messaging")


async def test_statements_use_their_keys_on_empty_tables(messaging: Messaging) -> None:
    assert len(STATEMENTS) > 25
    assert await walks(messaging.urls.worker, STATEMENTS, few_rows=FEW_ROWS) == []


async def test_statements_use_their_keys_on_filled_tables(messaging: Messaging) -> None:
    facts: list[Any] = [merchant()]
    for number in range(1500):
        name = f"c{number % 500}"
        facts += [registered(name), consented(name), paid(name, number), earned(name, number)]
    await messaging.apply(*facts)

    assert await walks(messaging.urls.worker, STATEMENTS, few_rows=FEW_ROWS) == []
    await analyse(messaging.urls.owner)
    assert await walks(messaging.urls.worker, STATEMENTS, few_rows=FEW_ROWS) == []
