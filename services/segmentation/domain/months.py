"""The months in which a customer ordered, as one bit each.

Bit 0 is January 2000; an order before that sets no bit. PostgreSQL's get_bit(bytea, n) reads the same bits.
"""

FIRST_MONTH = 2000 * 12


def with_month(mask: bytes, month: int, orders: int) -> bytes:
    """The mask with that month's bit telling whether any order is left in it."""
    place = month - FIRST_MONTH
    if place < 0:
        return mask
    bits = int.from_bytes(mask, "little")
    bits = bits | (1 << place) if orders > 0 else bits & ~(1 << place)
    return bits.to_bytes((bits.bit_length() + 7) // 8, "little")


def months_of(mask: bytes) -> list[str]:
    """The months of the set bits, earliest first, as `2025-03`."""
    bits = int.from_bytes(mask, "little")
    set_months = (FIRST_MONTH + place for place in range(bits.bit_length()) if bits >> place & 1)
    return [f"{month // 12:04d}-{month % 12 + 1:02d}" for month in set_months]
