"""Which of Amazon's marketplaces a store sells at: its site is one of their ids, or the country of one."""

import re
from typing import Final

from services.order_ingest.application.store_apis import ApiRefuses
from services.order_ingest.domain.platforms.amazon_marketplaces import MARKETPLACES

_ID: Final = re.compile("A[0-9A-Z]{9,19}")


def marketplace_id(site: str) -> str:
    """The id of the marketplace that the site names.

    Raises:
        ApiRefuses: it is neither an id nor a country with a marketplace.
    """
    name = site.strip().upper()
    known = MARKETPLACES.get(name)
    found = known.marketplace_id if known else name
    if not _ID.fullmatch(found):
        raise ApiRefuses("the store's site is neither a marketplace's id nor a country that has one")
    return found
