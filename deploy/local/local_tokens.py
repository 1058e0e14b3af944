"""Bearer tokens for the people and programs of one machine."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from uuid import UUID

from deploy.local.databases import SERVICES
from deploy.local.keys import Keys
from libs.servicekit.tokens import mint_token

ISSUER = "urn:huitou:local"
AUDIENCE_PREFIX = "huitou-"
ADMIN_SCOPES = ("platform", "ops:*")
_FAMILIES = (
    *("stores", "orders", "customers", "products", "imports", "deliveries", "fx_rates", "events", "jobs", "audit_log"),
    "privacy_requests",
    *("programmes", "members", "adjustments", "rewards", "redemptions", "coupons", "ledger"),
    *("profiles", "segments", "measures", "attributes"),
    *("contacts", "consents", "templates", "messages", "suppressions", "policies", "journeys", "campaigns"),
)
MERCHANT_SCOPES = tuple(f"{family}:*" for family in _FAMILIES)
LIFETIME = timedelta(hours=24)


def service_name(package: str) -> str:
    """The name on the wire: `order-ingest` for the folder `order_ingest`."""
    return package.replace("_", "-")


def local_token(
    keys: Keys,
    *,
    merchant: UUID | None = None,
    scopes: Iterable[str] = ADMIN_SCOPES,
    subject: str = "local-admin",
    lifetime: timedelta = LIFETIME,
) -> str:
    """A token that all four services accept: of a merchant, or of the platform without one."""
    return mint_token(
        keys.signing,
        issuer=ISSUER,
        audience=[AUDIENCE_PREFIX + service_name(package) for package in SERVICES],
        subject=subject,
        scopes=scopes,
        now=datetime.now(UTC),
        merchant_id=merchant,
        lifetime=lifetime,
    )
