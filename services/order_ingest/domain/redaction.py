"""A delivery's body as an operator may see it: its shape, ids, amounts and states, without the person in it."""

from decimal import Decimal
from typing import Any, Final

HIDDEN: Final = "[redacted]"
_WORDS: Final = """
    accepts_marketing amount amount_minor api_version at brand cancel_reason cancelled_at category_path category_type
    channel code consent_updated_at created_at currency currency_code deleted_at discount_minor external_id
    financial_status fulfillment_status gateway gift_card id interval kind line_id line_item_id material next_at number
    opt_in_level order_id order_number paid_at placed_at price processed_at product_id product_ids quantity refund_id
    shipping_minor sku source_name state status subscription_id subtotal subtotal_price tax_minor taxes_included test
    timestamp title topic total_discounts total_minor total_price total_tax type unit_price_minor updated_at variant
    variant_id variant_title vendor version
"""
_SHOWN: Final = frozenset(_WORDS.split())
"""Names whose texts are shown; numbers and booleans are shown only under these too, since a phone can be a number."""

_ADDRESSES: Final = frozenset(
    {"billing", "shipping", "billing_address", "shipping_address", "default_address", "addresses"}
)
"""Inside these only ids are shown: the state of an address is a place."""
_PEOPLE: Final = frozenset({"customer", "person", "recipient"})
"""Inside these only ids, states and instants are shown."""
_SHOWN_OF_ADDRESSES: Final = frozenset({"id"})
_SHOWN_OF_PEOPLE: Final = frozenset({"id", "state", "status", "created_at", "updated_at", "at", "channel", "topic"})


def redact(body: Any, *, shown: frozenset[str] = _SHOWN) -> Any:
    """The same structure with every value hidden that is not known to be harmless."""
    if isinstance(body, dict):
        return {str(name)[:100]: _value(str(name), value, shown) for name, value in body.items()}
    if isinstance(body, list):
        return [redact(each, shown=shown) for each in body]
    return HIDDEN if body is not None else None


def _value(name: str, value: Any, shown: frozenset[str]) -> Any:
    if name in _ADDRESSES:
        return redact(value, shown=_SHOWN_OF_ADDRESSES)
    if name in _PEOPLE:
        return redact(value, shown=_SHOWN_OF_PEOPLE)
    if isinstance(value, dict) or (isinstance(value, list) and any(isinstance(each, dict | list) for each in value)):
        return redact(value, shown=shown)
    if value is None or name in shown:
        return _plain(value)
    return HIDDEN


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, list):
        return [_plain(each) for each in value]
    return value
