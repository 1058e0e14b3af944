"""What Magento's answers are made of: times in UTC without saying so, numbers as text, flags as numbers, PHP's lists.

Source: developer.adobe.com/commerce/webapi, "Order processing tutorial", steps 7 and 8. A field without a value is left
out of an answer.
"""

import re
from datetime import datetime
from decimal import ROUND_CEILING, Decimal
from typing import Final

from services.order_ingest.domain.errors import Malformed
from services.order_ingest.domain.platforms.amounts import decimal
from services.order_ingest.domain.reading import Object, instant, record

_NAIVE: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}")


def utc_instant(source: Object, name: str) -> datetime | None:
    """The instant under `name`, which is UTC whatever the shop's own clock says.

    Source: magento/magento2#24985: answers hold the database's times, and turning them is left to who reads them.
    """
    value = source.get(name)
    if value is None or value == "":
        return None
    if not isinstance(value, str) or not _NAIVE.fullmatch(value):
        raise Malformed("must be a time without offset, like 2026-05-02 10:15:00", f"/{name}")
    return instant({name: f"{value[:10]}T{value[11:]}Z"}, name)


def inner(source: Object, name: str) -> Object:
    """The object under `name`; absent and empty are alike, and PHP writes an empty object as an empty list."""
    return {} if source.get(name) == [] else record(source, name) or {}


def flag_of(source: Object, name: str) -> bool:
    """The flag under `name`, which is 0, 1, "0", "1", true or false; absent is false."""
    value = source.get(name)
    if isinstance(value, bool):
        return value
    if value in (None, "", 0, "0"):
        return False
    if value in (1, "1"):
        return True
    raise Malformed("must be 0 or 1", f"/{name}")


def quantity(source: Object, name: str) -> Decimal:
    """The quantity under `name`, which has a fraction where goods are sold by weight or length; absent is none."""
    found = decimal(source, name)
    if found < 0:
        raise Malformed("must not be below zero", f"/{name}")
    return found


def pieces(count: Decimal) -> int:
    """The quantity as whole pieces: a fraction counts as one, so that what was sold is never nothing."""
    return int(count.to_integral_value(rounding=ROUND_CEILING))
