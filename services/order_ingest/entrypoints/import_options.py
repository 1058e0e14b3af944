"""How an uploaded file is to be read: what the caller says of it, completed by what its store is known to be."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Final, Literal, TypeAlias

from fastapi import Depends, Query

from libs.servicekit.problems import Flaw, invalid
from services.order_ingest.application.connect_store import Store
from services.order_ingest.application.convert_file import ExportedFile
from services.order_ingest.domain.files.detection import DateOrder
from services.order_ingest.domain.files.errors import UnfitOptions
from services.order_ingest.domain.files.options import Options
from services.order_ingest.domain.files.presets import PRESETS, Preset

PresetName: TypeAlias = Literal[
    "auto",
    "shopify_orders",
    "amazon_all_orders",
    "amazon_shipping",
    "taobao_export",
    "tmall_order_report",
    "woocommerce_mapped",
]
_AUTO: Final = "auto"
_ANY_PLATFORM: Final = "standard"


@dataclass(frozen=True, slots=True, kw_only=True)
class FileOptions:
    """What the query says of the file; `preset` None: JSON Lines of our own format."""

    preset: str | None
    encoding: str | None
    time_zone: str | None
    currency: str | None
    date_order: str | None
    decimal_comma: bool
    tax_included: bool | None
    mapping: str | None

    def stored(self) -> dict[str, Any]:
        """What stays on record with the import."""
        if self.preset is None:
            return {}
        known = {name: getattr(self, name) for name in self.__slots__ if name != "mapping"}
        return {name: value for name, value in known.items() if value is not None}

    def exported(self, store: Store) -> ExportedFile | None:
        """How to convert the file; None for our own format.

        Raises:
            Problem: 422, an option fits neither the file's kind nor the store.
        """
        if self.preset is None:
            return None
        preset = None if self.preset == _AUTO else PRESETS[self.preset]
        _check_platform(preset, store)
        try:
            options = Options(
                time_zone=self.time_zone or store.time_zone,
                currency=self.currency or store.currency,
                locale=store.locale,
                decimal_comma=self.decimal_comma,
                date_order=DateOrder(self.date_order) if self.date_order else DateOrder.UNAMBIGUOUS,
                tax_included=self.tax_included,
                mapping=_mapping(self.mapping),
            )
        except UnfitOptions as error:
            raise invalid("See errors.", [Flaw(pointer="/query", detail=str(error))]) from error
        return ExportedFile(preset=preset, options=options, encoding=self.encoding)


def _check_platform(preset: Preset | None, store: Store) -> None:
    # Ids of one platform's orders in a store of another would never meet its live orders: history would count twice.
    if preset is not None and store.platform not in (preset.platform, _ANY_PLATFORM):
        detail = f"is an export of {preset.platform}, the store is on {store.platform}"
        raise invalid("See errors.", [Flaw(pointer="/query/preset", detail=detail)])


def _mapping(written: str | None) -> Mapping[str, str]:
    if written is None:
        return {}
    try:
        found = json.loads(written)
    except ValueError:
        found = None
    if not isinstance(found, dict) or not all(isinstance(value, str) for value in found.values()):
        detail = 'must be a JSON object of texts: canonical field to header, {"id": "Order ID", ...}'
        raise invalid("See errors.", [Flaw(pointer="/query/mapping", detail=detail)])
    return found


def _options(
    preset: Annotated[
        PresetName | None,
        Query(description="Kind of export; `auto` finds it by the header. Without: JSON Lines of our own format."),
    ] = None,
    encoding: Annotated[
        str | None, Query(max_length=40, description="Found out from the file if left out; utf-8, gb18030, cp932, ...")
    ] = None,
    time_zone: Annotated[
        str | None, Query(max_length=64, description="For times without offset; the store's if left out.")
    ] = None,
    currency: Annotated[
        str | None, Query(min_length=3, max_length=3, description="Where no column names it; else the store's.")
    ] = None,
    date_order: Annotated[
        Literal["day_first", "month_first"] | None, Query(description="Needed where dates do not begin with the year.")
    ] = None,
    decimal_comma: Annotated[bool, Query(description="Amounts are written 1.234,56.")] = False,
    tax_included: Annotated[bool | None, Query(description="Prices hold the tax; else the figures tell.")] = None,
    mapping: Annotated[
        str | None, Query(max_length=4000, description="For woocommerce_mapped: JSON, canonical field to header.")
    ] = None,
) -> FileOptions:
    return FileOptions(
        preset=preset,
        encoding=encoding,
        time_zone=time_zone,
        currency=currency,
        date_order=date_order,
        decimal_comma=decimal_comma,
        tax_included=tax_included,
        mapping=mapping,
    )


Described = Annotated[FileOptions, Depends(_options)]
