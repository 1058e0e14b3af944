"""Customers as rows of `customer`: descriptions encrypted and bound to their row."""

import json
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import Row

from libs.servicekit.sealing import Vault
from services.order_ingest.domain.customer import ConsentMark, Customer, Parting, Strength
from services.order_ingest.domain.statements import Description, Statement

_OWN, _APART = "own", "apart"
"""Names that no statement has."""


def customer_of(row: Row[Any], vault: Vault) -> Customer:
    """The domain's customer that the row holds."""
    words = _words_of(row.merchant_no, row.customer_id, row.description_enc, vault)
    own, apart = words.pop(_OWN, None), words.pop(_APART, {})
    return Customer(
        customer_id=row.customer_id,
        strength=Strength(row.strength),
        store_id=row.store_id,
        registered_at=row.registered_at,
        identity_version=row.identity_version,
        platform_stores=frozenset(row.platform_stores),
        description=_statements(words),
        consents={channel: ConsentMark(*mark) for channel, mark in json.loads(row.consents or "{}").items()},
        merged_into=row.merged_into,
        erased_at=row.erased_at,
        born_after=row.born_after,
        former_id=row.former_id,
        own=_statements(own) if own is not None else None,
        apart={name: Parting(at_us, UUID(survivor_id)) for name, (at_us, survivor_id) in apart.items()},
    )


def _words_of(merchant_no: int, customer_id: UUID, stored: bytes | None, vault: Vault) -> dict[str, Any]:
    """The document of what the customer said about themselves, out of its ciphertext."""
    if stored is None:
        return {}
    found: dict[str, Any] = json.loads(vault.decrypt(stored, _place(merchant_no, customer_id)))
    return found


def _statements(words: Mapping[str, Any]) -> Description:
    return {name: Statement(*word) for name, word in words.items()}


def _document(customer: Customer) -> Mapping[str, Any]:
    """One column for all three, as few rows have more than a description: width costs every customer."""
    words: dict[str, Any] = dict(customer.description)
    if customer.own is not None:
        words[_OWN] = customer.own
    if customer.apart:
        words[_APART] = {name: (each.at_us, str(each.survivor_id)) for name, each in customer.apart.items()}
    return words


def values_of(merchant_no: int, customer: Customer, vault: Vault) -> Mapping[str, Any]:
    """The customer as column values."""
    document = _document(customer)
    words = json.dumps(document, separators=(",", ":")).encode() if document else None
    return {
        "merchant_no": merchant_no,
        "customer_id": customer.customer_id,
        "strength": int(customer.strength),
        "store_id": customer.store_id,
        "identity_version": customer.identity_version,
        # unnest takes no arrays of arrays: the list travels as text.
        "platform_stores": "{" + ",".join(map(str, sorted(customer.platform_stores))) + "}",
        "description_enc": vault.encrypt(words, _place(merchant_no, customer.customer_id)) if words else None,
        "consents": json.dumps(customer.consents, separators=(",", ":")) if customer.consents else None,
        "merged_into": customer.merged_into,
        "registered_at": customer.registered_at,
        "erased_at": customer.erased_at,
        "born_after": customer.born_after,
        "former_id": customer.former_id,
    }


def _place(merchant_no: int, customer_id: UUID) -> str:
    return f"{merchant_no}|customer|description|{customer_id}"
