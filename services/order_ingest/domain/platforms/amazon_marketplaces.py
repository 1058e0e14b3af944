"""Amazon's marketplaces: the country that each stands for, its id, and the region whose endpoint serves it.

Source: developer-docs.amazon.com/sp-api, "Marketplace IDs", "SP-API endpoints"; GB, which is not in that list, is read
as UK.
"""

from collections.abc import Mapping
from typing import Final, NamedTuple


class Marketplace(NamedTuple):
    marketplace_id: str
    region: str


MARKETPLACES: Final[Mapping[str, Marketplace]] = {
    "CA": Marketplace("A2EUQ1WTGCTBG2", "na"),
    "US": Marketplace("ATVPDKIKX0DER", "na"),
    "MX": Marketplace("A1AM78C64UM0Y8", "na"),
    "BR": Marketplace("A2Q3Y263D00KWC", "na"),
    "IE": Marketplace("A28R8C7NBKEWEA", "eu"),
    "ES": Marketplace("A1RKKUPIHCS9HS", "eu"),
    "UK": Marketplace("A1F83G8C2ARO7P", "eu"),
    "GB": Marketplace("A1F83G8C2ARO7P", "eu"),
    "FR": Marketplace("A13V1IB3VIYZZH", "eu"),
    "BE": Marketplace("AMEN7PMS3EDWL", "eu"),
    "NL": Marketplace("A1805IZSGTT6HS", "eu"),
    "DE": Marketplace("A1PA6795UKMFR9", "eu"),
    "IT": Marketplace("APJ6JRA9NG5V4", "eu"),
    "SE": Marketplace("A2NODRKZP88ZB9", "eu"),
    "ZA": Marketplace("AE08WJ6YKNBMC", "eu"),
    "PL": Marketplace("A1C3SOZRARQ6R3", "eu"),
    "EG": Marketplace("ARBP9OOSHTCHU", "eu"),
    "TR": Marketplace("A33AVAJ2PDY3EV", "eu"),
    "SA": Marketplace("A17E79C6D8DWNP", "eu"),
    "AE": Marketplace("A2VIGQ35RCS4UG", "eu"),
    "IN": Marketplace("A21TJRUUN4KGV", "eu"),
    "SG": Marketplace("A19VAU5U5O7RUS", "fe"),
    "AU": Marketplace("A39IBJ37TRP1C6", "fe"),
    "JP": Marketplace("A1VC38T7YXB528", "fe"),
}
_REGIONS: Final = {each.marketplace_id: each.region for each in MARKETPLACES.values()}


def region_of(site: str) -> str:
    """The region of a country or a marketplace's id; Europe's, to which most belong, for one that is not known."""
    name = site.strip().upper()
    known = MARKETPLACES.get(name)
    return known.region if known else _REGIONS.get(name, "eu")
