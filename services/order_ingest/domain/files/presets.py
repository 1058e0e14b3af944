"""The exports that are known, one row each; and the way from a file's rows to canonical orders."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from services.order_ingest.domain.errors import Malformed
from services.order_ingest.domain.files import amazon_orders, mapping, shopify_orders, taobao_orders
from services.order_ingest.domain.files.errors import Unconvertible, UnfitOptions
from services.order_ingest.domain.files.grouping import Group, Grouping, groups
from services.order_ingest.domain.files.mapped_orders import mapped_order
from services.order_ingest.domain.files.options import Options
from services.order_ingest.domain.files.order_parts import Draft
from services.order_ingest.domain.files.rows import Numbered, Refused, Row
from services.order_ingest.domain.platforms import canonical
from services.order_ingest.domain.reading import ID_LENGTH


@dataclass(frozen=True, slots=True)
class Converted:
    """The canonical order whose first row starts at `line`; JSON can write it and `canonical.order` accepts it."""

    line: int
    order: Draft


@dataclass(frozen=True, slots=True, kw_only=True)
class Preset:
    """One kind of export.

    `required`: the headers by which it is recognised; none: only its owner can name it. `quoting`: as `rows.read`
    takes it. `needs`: options that must be given; `uses`: those that are used if they are given.
    """

    name: str
    platform: str
    required: frozenset[str]
    grouping: Callable[[Options], Grouping]
    convert: Callable[[Sequence[Row], Options], Draft]
    quoting: bool = True
    needs: frozenset[str] = frozenset()
    uses: frozenset[str] = frozenset()


_ROWS: Final = (
    Preset(
        name="shopify_orders",
        platform="shopify",
        required=shopify_orders.HEADERS,
        grouping=lambda _: shopify_orders.GROUPING,
        convert=shopify_orders.shopify_order,
        uses=frozenset({"locale", "decimal_comma", "time_zone", "date_order", "tax_included"}),
    ),
    Preset(
        name="amazon_all_orders",
        platform="amazon",
        required=amazon_orders.ALL_ORDERS_HEADERS,
        grouping=lambda _: amazon_orders.ALL_ORDERS_GROUPING,
        convert=amazon_orders.all_orders_order,
        quoting=False,
        uses=frozenset({"currency", "decimal_comma", "time_zone", "date_order", "tax_included"}),
    ),
    Preset(
        name="amazon_shipping",
        platform="amazon",
        required=amazon_orders.SHIPPING_HEADERS,
        grouping=lambda _: amazon_orders.SHIPPING_GROUPING,
        convert=amazon_orders.shipping_order,
        quoting=False,
        uses=frozenset({"currency", "locale", "decimal_comma", "time_zone", "date_order", "tax_included"}),
    ),
    # Before the report: newer seller exports have all its headers too.
    Preset(
        name="taobao_export",
        platform="taobao",
        required=taobao_orders.EXPORT_HEADERS,
        grouping=lambda _: taobao_orders.GROUPING,
        convert=taobao_orders.export_order,
        uses=frozenset({"decimal_comma", "date_order"}),
    ),
    Preset(
        name="tmall_order_report",
        platform="taobao",
        required=taobao_orders.REPORT_HEADERS,
        grouping=lambda _: taobao_orders.GROUPING,
        convert=taobao_orders.report_order,
        uses=frozenset({"decimal_comma", "date_order"}),
    ),
    Preset(
        name="woocommerce_mapped",
        platform="woocommerce",
        required=frozenset(),
        grouping=mapping.grouping,
        convert=mapped_order,
        needs=frozenset({"mapping", "time_zone"}),
        uses=frozenset({"currency", "locale", "decimal_comma", "date_order", "tax_included"}),
    ),
)

PRESETS: Final[Mapping[str, Preset]] = {preset.name: preset for preset in _ROWS}


def detect(headers: Iterable[str]) -> Preset | None:
    """The first preset whose required headers are all there, in whatever order; None: ask."""
    found = {header.strip() for header in headers}
    return next((preset for preset in _ROWS if preset.required and preset.required <= found), None)


def orders(rows: Iterable[Numbered | Refused], preset: Preset, options: Options) -> Iterator[Converted | Refused]:
    """Every order of the rows, one at a time and in file order, converted or refused; refused rows are passed on.

    Raises:
        UnfitOptions: at once, when the options lack what the preset needs.
    """
    if missing := sorted(name for name in preset.needs if not getattr(options, name)):
        raise UnfitOptions(f"{preset.name} needs {', '.join(missing)}")
    return _results(groups(rows, preset.grouping(options)), preset, options)


def _results(found: Iterable[Group | Refused], preset: Preset, options: Options) -> Iterator[Converted | Refused]:
    for group in found:
        yield group if isinstance(group, Refused) else _result(group, preset, options)


def _result(group: Group, preset: Preset, options: Options) -> Converted | Refused:
    if group.complaint is not None:
        return Refused(group.line, group.complaint, group.order[:ID_LENGTH] or None)
    try:
        order = preset.convert(group.rows, options)
        # The promise of Converted, kept by asking; what it costs is small beside storing an order.
        canonical.order(order)
    except (Unconvertible, Malformed) as complaint:
        return Refused(group.line, str(complaint), group.order[:ID_LENGTH])
    return Converted(group.line, order)
