"""All that messaging keeps about a customer, under every id that was merged with theirs; contacts opened."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any, Final, get_args
from uuid import UUID

from sqlalchemy import TextClause, text

from libs.contracts.customers import ConsentChannel
from libs.servicekit.data_export import Gather, Kept, rows_of
from libs.servicekit.sealing import Vault
from libs.servicekit.unit_of_work import UnitOfWork
from services.messaging.adapters.contact_rows import contact_of
from services.messaging.domain.intents import message_id

# Whose alias somebody is, is asked behind OFFSET 0: else the index of aliases would be walked through for it.
_FAMILY = text(
    """
    WITH RECURSIVE family AS (
        SELECT customer_id FROM contact WHERE merchant_no = :merchant_no AND customer_id = :customer_id
        UNION
        SELECT n.customer_id FROM family f CROSS JOIN LATERAL (
            SELECT merged_into AS customer_id FROM contact
            WHERE merchant_no = :merchant_no AND customer_id = f.customer_id
            UNION ALL
            SELECT customer_id FROM contact WHERE merchant_no = :merchant_no AND merged_into = f.customer_id
            OFFSET 0
        ) n WHERE n.customer_id IS NOT NULL
    )
    SELECT c.*, m.merchant_id FROM family f CROSS JOIN LATERAL (
        SELECT * FROM contact WHERE merchant_no = :merchant_no AND customer_id = f.customer_id OFFSET 0
    ) c CROSS JOIN LATERAL (SELECT merchant_id FROM merchant WHERE merchant_no = :merchant_no OFFSET 0) m
    ORDER BY c.customer_id
    """
)
# The customers are given one by one: each is probed for, whatever the statistics say.
_EACH = "unnest(CAST(:customers AS uuid[])) k(customer_id)"
_CONSENTS = text(
    f"""
    SELECT c.* FROM {_EACH} CROSS JOIN LATERAL (
        SELECT customer_id, channel, topic, state, act, snapshot, withdrawn_here_at, subscribed_at FROM consent
        WHERE merchant_no = :merchant_no AND customer_id = k.customer_id ORDER BY channel, topic OFFSET 0
    ) c
    """  # noqa: S608 - the fragment is a constant of this module
)
_STATEMENTS = text(
    f"""
    SELECT e.* FROM {_EACH} CROSS JOIN LATERAL (
        SELECT customer_id, entry_id, channel, topic, state, made, source, text_version, ip_hash, at, recorded_at
        FROM consent_entry WHERE merchant_no = :merchant_no AND customer_id = k.customer_id
        ORDER BY at, entry_id OFFSET 0
    ) e
    """  # noqa: S608 - the fragment is a constant of this module
)
_SUPPRESSIONS = text(
    """
    SELECT s.* FROM unnest(CAST(:hashes AS text[]), CAST(:channels AS text[])) k(address_hash, channel)
    CROSS JOIN LATERAL (
        SELECT channel, address_hash, reason, at FROM suppression
        WHERE merchant_no = :merchant_no AND channel = k.channel AND address_hash = k.address_hash
        ORDER BY reason OFFSET 0
    ) s
    """
)
# The + 0 leaves the planner the one index that leads with the customer.
_MESSAGES = text(
    f"""
    SELECT i.*, e.sending, coalesce(e.attempts, 0) AS attempts FROM {_EACH} CROSS JOIN LATERAL (
        SELECT customer_id, intent_id, cause_fact_id, origin, purpose, channel, topic, message_class, template_id,
               template_version, context, wait_for_order_id, state, reason, planned_at, claimed_at, settled_at
        FROM intent WHERE customer_id = k.customer_id AND merchant_no + 0 = :merchant_no
        ORDER BY planned_at, intent_id OFFSET 0
    ) i LEFT JOIN LATERAL (
        SELECT state AS sending, attempts FROM effect WHERE effect_id = i.intent_id AND merchant_no = :merchant_no
        OFFSET 0
    ) e ON true
    """  # noqa: S608 - the fragment is a constant of this module
)
_THINGS: Final[dict[str, TextClause]] = {
    "consents": _CONSENTS,
    "consent_statements": _STATEMENTS,
    "suppressions": _SUPPRESSIONS,
    "messages": _MESSAGES,
}
_CHANNELS: Final = get_args(ConsentChannel)


def gathering(vault: Vault) -> Gather:
    """What is kept, by the names of its things, contacts opened with `vault`."""

    async def gather(snapshot: UnitOfWork, merchant_no: int, customer_id: UUID) -> Kept:
        found = await snapshot.connection.execute(_FAMILY, {"merchant_no": merchant_no, "customer_id": customer_id})
        contacts = [_contact(row, vault) for row in found]
        if not contacts:
            return {}
        things = await rows_of(snapshot, _THINGS, {"merchant_no": merchant_no, **_keys(contacts)})
        messages = [{"message_id": message_id(each["intent_id"]), **each} for each in things.pop("messages", ())]
        return {"contacts": contacts, **things, **({"messages": messages} if messages else {})}

    return gather


def _contact(row: Any, vault: Vault) -> Mapping[str, Any]:  # a row of `contact` with `merchant_id`
    contact = asdict(contact_of(row, vault))
    details = contact.pop("details") or {}
    contact.pop("merchant_no")
    return {**contact, **details}


def _keys(contacts: Sequence[Mapping[str, Any]]) -> dict[str, list[Any]]:
    """The family's ids, and its addresses on every channel that may be suppressed for them."""
    hashes = sorted({contact["email_hash"] for contact in contacts if contact["email_hash"]})
    pairs = [(digest, channel) for digest in hashes for channel in _CHANNELS]
    return {
        "customers": [contact["customer_id"] for contact in contacts],
        "hashes": [digest for digest, _ in pairs],
        "channels": [channel for _, channel in pairs],
    }
