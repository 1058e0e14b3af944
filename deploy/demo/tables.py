"""What the demo found, as tables for people. Every number comes from a service's answer."""

from collections.abc import Mapping, Sequence
from typing import Any

from rich.table import Table

Json = Mapping[str, Any]


def repurchase(found: Json) -> Table:
    """The rate with its interval, and the mode that it puts the shop in."""
    rate = found["rate"]
    table = _table("Repurchase within 90 days", "figure", ">value")
    table.add_row("matured cohort", f"{found['cohort_from'][:10]} to {found['cohort_until'][:10]}")
    table.add_row("customers in it", _number(rate["n"]))
    table.add_row("bought again within 90 days", _number(found["repurchased"]))
    table.add_row("rate (95 % interval)", f"{_share(rate['value'])} ({_share(rate['low'])} to {_share(rate['high'])})")
    table.add_row("mode", f"[bold]{found['mode'] or 'nobody to tell it by'}[/]")
    return table


def customers(summary: Json) -> Table:
    """All buyers added up."""
    known = summary["identified"]
    table = _table("Customers", "figure", ">value")
    for words, value in (
        ("customers", _number(known["customers"])),
        ("of these bought more than once", _number(known["repeat_customers"])),
        ("orders (not cancelled)", _number(known["orders"])),
        ("items", _number(known["items"])),
        ("spend less refunds", _money(known["spend"])),
        ("discounted orders", _number(known["discounted_orders"])),
        ("refunds", f"{_number(known['refunds'])} worth {_money(known['refunded'])}"),
        ("anonymous customers, counted beside", _number(summary["anonymous"]["customers"])),
    ):
        table.add_row(words, value)
    return table


def rfm(found: Json) -> Table:
    """Customers by recency, frequency and money."""
    table = _table("RFM groups", "group", ">customers", ">orders", ">spend", "meaning")
    for group in found["groups"]:
        figures = (_number(group["customers"]), _number(group["orders"]), _money(group["spend"]))
        table.add_row(group["group"].replace("_", " "), *figures, group["meaning"])
    return table


def top_customers(buyers: Sequence[Json], members: Mapping[str, Json]) -> Table:
    """Who spent most, with their points."""
    table = _table("Top customers", "customer", ">orders", ">items", ">spend", ">points")
    for buyer in buyers:
        bought = (_number(buyer["orders"]), _number(buyer["items"]), _money(buyer["spend"]))
        table.add_row(buyer["customer_id"], *bought, _number(members[buyer["customer_id"]]["points"]))
    return table


def points(found: Json) -> Table:
    """What the programme gave and took back."""
    figures, orders = found["points"], found["orders"]
    table = _table("Points", "figure", ">value")
    for words, value in (
        ("members", found["members"]),
        ("orders paid", orders["paid"]),
        ("orders that the programme counts", orders["awarded"]),
        ("points issued", figures["issued"]),
        ("reversed by refunds and cancellations", figures["reversed"]),
        ("pending until the return window ends", figures["pending"]),
        ("usable", figures["usable"]),
    ):
        table.add_row(words, _number(value))
    return table


def tiers(found: Json) -> Table:
    """Members by what they spent in the year."""
    table = _table("Tiers", "tier", ">members")
    for name, members in found["members_by_tier"].items():
        table.add_row(name, _number(members))
    return table


def proof(found: Json) -> Table:
    """The ledger's invariants, all of them."""
    table = _table("Ledger proof", "invariant", "meaning", ">checked", ">violations")
    for finding in found["findings"]:
        figures = (_number(finding["checked"]), _number(finding["violations"]))
        table.add_row(finding["invariant"], finding["meaning"], *figures)
    return table


def segments(found: Json) -> Table:
    """Segments by size."""
    table = _table("Segments", "segment", ">version", ">members")
    for segment in found["items"]:
        table.add_row(segment["name"], str(segment["version"]), _number(segment["members"]))
    return table


def messages(found: Json) -> Table:
    """Messages by what became of them; history is shown even though, or because, it has none."""
    table = _table("Messages", "origin", "outcome", "reason", ">messages")
    history = [row for row in found["outcomes"] if row["origin"] != "live"]
    for row in found["outcomes"]:
        table.add_row(row["origin"], row["outcome"], row["reason"], _number(row["count"]))
    if not history:
        table.add_row("backfill", "none", "history sends nothing", "0")
    table.add_row("", "", "still open", _number(found["open"]))
    return table


def rows(title: str, pairs: Sequence[tuple[str, int | str]]) -> Table:
    """Words and numbers."""
    table = _table(title, "figure", ">value")
    for words, value in pairs:
        table.add_row(words, _number(value) if isinstance(value, int) else value)
    return table


def _table(title: str, *headings: str) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold")
    for heading in headings:
        right = heading.startswith(">")
        table.add_column(heading.lstrip(">"), justify="right" if right else "left", no_wrap=right)
    return table


def _number(value: int) -> str:
    return f"{value:,}"


def _money(value: Json) -> str:
    minor = value["amount_minor"]
    sign = "-" if minor < 0 else ""
    return f"{sign}{abs(minor) // 100:,}.{abs(minor) % 100:02d} {value['currency']}"


def _share(value: float) -> str:
    return f"{value * 100:.2f} %"
