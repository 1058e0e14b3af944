"""Tags through the running service: kept under lock, shown, told, and what was cut is said at the delivery."""

from typing import Any

from tests.services.order_ingest.conftest import House

_CUSTOMER = "gid://shopify/Customer/207119551"


def _body(at: str, *tags: str) -> dict[str, Any]:
    return {"customerId": _CUSTOMER, "tags": list(tags), "occurredAt": at}


async def test_tags_are_shown_told_and_kept_encrypted(house: House) -> None:
    shop = await house.shop()
    for topic, body in (
        ("customer.tags_removed", _body("2026-05-03T10:00:00Z", "gone-tag")),
        ("customer.tags_added", _body("2026-05-01T10:00:00Z", "gone-tag", "kept-tag")),
        ("customers/update", {"id": 207119551, "updated_at": "2026-05-02T10:00:00Z", "tags": "kept-tag, old-tag"}),
        ("customer.tags_added", _body("2026-05-01T12:00:00Z", "older-than-the-list")),
    ):
        assert (await house.deliver(shop, topic, body)).status_code == 200
        await house.normaliser.drain()

    [shown] = (await house.get(shop, "/v1/customers"))["items"]
    facts: list[Any] = await house.facts("customer.registered", "customer.updated")
    [row] = await house.rows("SELECT description_enc, to_jsonb(c)::text AS everything FROM customer c")
    assert shown["platform_tags"] == ["kept-tag", "old-tag"]
    assert [fact.platform_tags for fact in facts] == [(), ("kept-tag",), ("kept-tag", "old-tag")]
    assert row["description_enc"]
    assert "kept-tag" not in row["everything"]


async def test_a_delivery_says_how_many_tags_were_cut(house: House) -> None:
    shop = await house.shop()

    await house.deliver(shop, "customer.tags_added", _body("2026-05-01T10:00:00Z", *(f"t{n}" for n in range(251))))
    await house.normaliser.drain()

    [delivery] = (await house.get(shop, "/v1/deliveries"))["items"]
    assert (delivery["state"], delivery["reason"]) == (
        "applied", "251 tags, 0 of them longer than 255 characters: cut to 250",
    )  # fmt: skip
