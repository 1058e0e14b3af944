"""Facts of order-ingest about merchants, stores, products and history imports."""

from decimal import Decimal
from typing import ClassVar, Literal
from uuid import UUID

from libs.contracts.fact import Currency, Fact, Instant

CategoryType = Literal["same_item", "variety", "durable"]


class MerchantRegisteredV1(Fact):
    """A merchant exists; every service lays down its working defaults."""

    TYPE: ClassVar[str] = "merchant.registered.v1"
    TOPIC: ClassVar[str] = "commerce"
    SUBJECT: ClassVar[str] = "merchant_id"

    merchant_id: UUID
    name: str
    currency: Currency
    time_zone: str
    registered_at: Instant


class StoreUpsertedV1(Fact):
    """One account on one platform and site, as it now is: the compact copy that other services keep."""

    TYPE: ClassVar[str] = "store.upserted.v1"
    TOPIC: ClassVar[str] = "commerce"
    SUBJECT: ClassVar[str] = "store_id"

    store_id: UUID
    platform: str
    account: str
    site: str | None = None
    domain: str | None = None
    name: str | None = None
    currency: Currency
    time_zone: str
    locale: str | None = None
    policy_pack: str | None = None
    return_window_days: int
    version: int
    at: Instant


class StoreDisconnectedV1(Fact):
    """Our access to the store has ended: nothing more will come from it until it is connected again."""

    TYPE: ClassVar[str] = "store.disconnected.v1"
    TOPIC: ClassVar[str] = "commerce"
    SUBJECT: ClassVar[str] = "store_id"

    store_id: UUID
    reason: str
    at: Instant


class StoreErasedV1(Fact):
    """The store asked to be forgotten: each of its customers whom no other store knows was told as erased before."""

    TYPE: ClassVar[str] = "store.erased.v1"
    TOPIC: ClassVar[str] = "commerce"
    SUBJECT: ClassVar[str] = "store_id"

    store_id: UUID
    request_id: UUID
    erased_at: Instant


class ProductUpsertedV1(Fact):
    """A product as the store now describes it; `version` is the platform's update time in microseconds."""

    TYPE: ClassVar[str] = "product.upserted.v1"
    TOPIC: ClassVar[str] = "commerce"
    SUBJECT: ClassVar[str] = "product_id"

    product_id: UUID
    store_id: UUID
    external_product_id: str
    external_variant_ids: tuple[str, ...] = ()
    title: str
    brand: str | None = None
    category_path: tuple[str, ...] = ()
    material: str | None = None
    category_type: CategoryType | None = None
    units: int | None = None
    daily_use: Decimal | None = None
    care_tips: tuple[str, ...] = ()
    price_minor: int | None = None
    currency: Currency
    version: int
    at: Instant


class ImportStartedV1(Fact):
    """A history import began; its orders follow with origin=backfill."""

    TYPE: ClassVar[str] = "import.started.v1"
    TOPIC: ClassVar[str] = "commerce"
    SUBJECT: ClassVar[str] = "import_id"

    import_id: UUID
    store_id: UUID
    expected_rows: int | None = None
    started_at: Instant


class ImportFinishedV1(Fact):
    """A history import ended; its orders were all told before this was."""

    TYPE: ClassVar[str] = "import.finished.v1"
    TOPIC: ClassVar[str] = "commerce"
    SUBJECT: ClassVar[str] = "import_id"

    import_id: UUID
    store_id: UUID
    read_rows: int
    accepted_rows: int
    duplicate_rows: int
    rejected_rows: int
    finished_at: Instant


FACTS: tuple[type[Fact], ...] = (
    MerchantRegisteredV1,
    StoreUpsertedV1,
    StoreDisconnectedV1,
    StoreErasedV1,
    ProductUpsertedV1,
    ImportStartedV1,
    ImportFinishedV1,
)
