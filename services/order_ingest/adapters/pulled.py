"""Orders that were fetched from a store's API, into the same intake as hooks: kept, read, shown and replayed alike."""

import hashlib
from collections.abc import Sequence
from datetime import datetime
from zlib import crc32

import zstandard
from sqlalchemy.ext.asyncio import AsyncConnection

from libs.kernel.identifiers import derived_id
from libs.servicekit.sealing import Vault
from services.order_ingest.adapters.hook_stores import INTAKE_LANES
from services.order_ingest.adapters.intake import APPEND, Sealed, columns
from services.order_ingest.adapters.intake_log import delivery_place
from services.order_ingest.adapters.store_access import Reachable
from services.order_ingest.application.accept_delivery import Delivery, HookStore
from services.order_ingest.application.store_apis import Document
from services.order_ingest.domain.storefront import PULLED


async def append_pulled(
    connection: AsyncConnection, vault: Vault, pulled: Sequence[tuple[Reachable, Document]], now: datetime
) -> None:
    """The documents queue in their stores' lanes; one that came before, to the last byte, is left alone.

    The lanes' counters stay locked to the end of the transaction: call it last.
    """
    if not pulled:
        return
    compressor = zstandard.ZstdCompressor(level=1)
    items = []
    for store, document in pulled:
        delivery = _delivery(store, document)
        place = delivery_place(store.merchant_no, delivery.delivery_id)
        items.append(Sealed(delivery, vault.encrypt(compressor.compress(document), place)))
    await connection.exec_driver_sql(APPEND, (*columns(items), now))


def _delivery(store: Reachable, document: Document) -> Delivery:
    identity = hashlib.sha256(PULLED.encode() + b"\x1f" + document).digest()
    return Delivery(
        store=HookStore(
            merchant_no=store.merchant_no,
            store_no=store.store_no,
            store_id=store.store_id,
            platform=store.platform,
            domain=None,
            lane=crc32(store.store_id.bytes) % INTAKE_LANES,
            secrets=(),
        ),
        delivery_id=derived_id(store.store_id, "delivery", identity.hex()),
        dedupe=hashlib.blake2b(identity, digest_size=16).digest(),
        topic=PULLED,
        triggered_at=None,
        body=document,
        body_sha256=hashlib.sha256(document).digest(),
    )
