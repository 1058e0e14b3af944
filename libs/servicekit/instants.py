"""The instant as requests hold it: RFC 3339 with Z or an offset, and nothing that could be read as one."""

from datetime import datetime
from typing import Annotated

from pydantic import BeforeValidator, WithJsonSchema

from libs.kernel.instants import instant_of


def _read(value: object) -> datetime:
    # Pydantic's own datetime also takes numbers, as Unix seconds or milliseconds by their size.
    if not isinstance(value, str):
        raise ValueError("must be text: an RFC 3339 instant with Z or an offset")
    return instant_of(value)


Instant = Annotated[datetime, BeforeValidator(_read), WithJsonSchema({"type": "string", "format": "date-time"})]
"""For query parameters and request bodies; in UTC when it has been read. Anything else is a 422 with a pointer."""
