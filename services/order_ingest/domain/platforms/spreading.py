"""A refund of which only the sum is known, spread over what its order was made of."""

from dataclasses import replace

from services.order_ingest.domain.changes import OrderContent, Refund, RefundLine


def spread(refund: Refund, content: OrderContent) -> Refund:
    """The refund with its sum divided over lines, their taxes and shipping in proportion to what was paid for each.

    Points and spend follow lines: without this, an order that was refunded in full would keep both. Pieces are not
    known to have come back. Each share is rounded down, so that none ever shrinks when the sum grows (refunds merge
    by maximum); a refund of everything takes back everything, exactly.
    """
    lines = [line for line in content.lines if line.total_minor > 0]
    taxes = [0 if content.tax_included else max(0, line.tax_minor) for line in lines]
    whole = max(content.total_minor, sum(line.total_minor for line in lines) + sum(taxes))
    if not lines:
        return refund
    back = min(refund.amount_minor, whole)
    return replace(
        refund,
        lines=tuple(
            RefundLine(line.external_id, 0, line.total_minor * back // whole, tax * back // whole)
            for line, tax in zip(lines, taxes, strict=True)
        ),
        shipping_minor=max(0, content.shipping_minor) * back // whole,
    )
