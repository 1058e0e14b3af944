"""A person is forgotten in every table, and does not come back; who asks to see what is kept sees all of it."""

import asyncio
import base64
import io
import json
import zipfile
import zlib
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
import zstandard

from libs.contracts.commerce import CustomerDataRequestedV1, CustomerErasedV1, StoreDisconnectedV1, StoreErasedV1
from libs.contracts.fact import Fact
from libs.contracts.privacy import DataExportCompletedV1, ErasedKind, ErasureCompletedV1
from libs.servicekit.errors import SealBroken
from services.order_ingest.adapters.erasures import pattern_of
from services.order_ingest.adapters.hook_stores import REMEMBERED_FOR
from services.order_ingest.adapters.intake_log import delivery_place
from services.order_ingest.adapters.privacy_desk import EXPORTS_KEPT, forget_exports
from tests.services.order_ingest import bodies
from tests.services.order_ingest.conftest import SEALER, VAULT, House, Shop
from tests.services.order_ingest.heard import Ears, event

BOB = "bob.norman@example.com"
OTHERS = ("loyalty", "segmentation", "messaging")
_SEEDED = (BOB, "norman", "robert", "555-625-1199", "2125550123", "212) 555-0123", "207119551")
_KEPT_SEALED = {"outbox"}
"""Ages out, sealed; its tokens do not open without a key that the vault has not."""


async def _left_of(house: House, *needles: str) -> list[tuple[str, str]]:
    """Tables and columns in which any of the needles stands, in clear or under the vault's keys."""
    columns = await house.rows(
        """
        SELECT c.table_name, c.column_name, c.data_type FROM information_schema.columns c JOIN pg_class t
            ON t.relname = c.table_name AND t.relnamespace = 'public'::regnamespace
        WHERE c.table_schema = 'public' AND t.relkind IN ('r', 'p') AND NOT t.relispartition
          AND c.data_type IN ('text', 'bytea', 'jsonb', 'ARRAY')
        """
    )
    assert len(columns) > 100
    found = []
    for column in columns:
        table, name = column["table_name"], column["column_name"]
        if table.startswith(tuple(_KEPT_SEALED)):
            continue
        # The owner sees all; partitions are closed to everybody but through their parents.
        for row in await house.rows(f'SELECT "{name}" AS value, to_jsonb(t) - \'{name}\' AS rest FROM "{table}" t'):
            plain = _opened(table, row["value"], row["rest"]).lower()
            found += [(table, name) for needle in needles if needle.lower() in plain]
    return sorted(set(found))


def _opened(table: str, value: Any, rest: Any) -> str:
    if not isinstance(value, bytes):
        return str(value)
    rest = json.loads(rest) if isinstance(rest, str) else rest
    places = {
        "customer": f"{rest.get('merchant_no')}|customer|description|{rest.get('customer_id')}",
        "webhook_delivery": delivery_place(rest.get("merchant_no"), rest.get("delivery_id")),
    }
    try:
        plain = VAULT.decrypt(value, places.get(table, ""))
    except SealBroken:
        return value.hex()
    return (zstandard.decompress(plain) if table == "webhook_delivery" else plain).decode()


async def _bob(house: House) -> tuple[Shop, UUID]:
    """A shop that knows him well."""
    shop = await house.shop()
    describing = {"id": 207119551, "email": BOB, "phone": "+12125550123", "first_name": "Robert"}
    await house.deliver(shop, "customers/update", {**describing, "updated_at": "2026-05-03T08:00:00Z"})
    await house.deliver(shop, "orders/create", bodies.order())
    await house.deliver(shop, "refunds/create", bodies.refund(note="Robert wants it back on his card"))
    await house.deliver(shop, "returns/request", _returned("Norman says it broke"))
    parcel = bodies.fulfilment(email=BOB, destination={"first_name": "Bob", "phone": "555-625-1199"})
    await house.deliver(shop, "fulfillments/create", parcel)
    # Nobody can read this one, and it names him all the same, his number as he writes it.
    broken = {"id": 8, "customer": {"email": BOB.upper(), "phone": "(212) 555-0123"}}
    await house.deliver(shop, "orders/create", broken)
    await house.normaliser.drain()
    [customer] = (await house.get(shop, "/v1/customers", email=BOB))["items"]
    return shop, UUID(customer["customer_id"])


def _returned(reason: str) -> dict[str, Any]:
    [line] = bodies.returned()["return_line_items"]
    return bodies.returned(return_line_items=[{**line, "return_reason": reason}])


async def test_what_was_written_about_refunds_and_returns_goes_and_a_late_word_is_no_news(house: House) -> None:
    shop, _ = await _bob(house)
    assert ("customer_order", "refunds") in await _left_of(house, "robert")
    assert ("customer_order", "returns") in await _left_of(house, "norman")
    await house.deliver(shop, "customers/redact", bodies.redaction())
    await house.normaliser.drain()
    await house.by_the_clock()
    told = await house.facts("order.refunded", "return.requested")
    [before] = await house.rows("SELECT refunds, returns, refunded_minor FROM customer_order")
    assert before["refunds"] is not None
    assert before["refunded_minor"] > 0

    late = bodies.refund(note="Robert asked again")
    await house.deliver(shop, "refunds/create", late)
    await house.deliver(shop, "returns/request", _returned("Norman asked again"))
    version = bodies.order(updated_at="2026-05-09T00:00:00Z", refunds=[late], cancel_reason="Robert")
    await house.deliver(shop, "orders/updated", {**version, "cancelled_at": "2026-05-08T00:00:00Z"})
    await house.normaliser.drain()
    assert await _left_of(house, "robert", "norman") == []
    # This one is about nobody when it comes: its body ages out.
    await house.deliver(shop, "refunds/create", bodies.refund(id=77, order_id=78, note="Robert before the order"))
    await house.normaliser.drain()
    await house.deliver(shop, "orders/create", bodies.order(id=78, order_status_url=None))
    await house.normaliser.drain()

    after = await house.rows("SELECT refunds, returns FROM customer_order WHERE external_id = '450789469'")
    assert [json.loads(after[0][name]) for name in after[0]] == [json.loads(before[name]) for name in after[0]]
    assert (await house.facts("order.refunded", "return.requested"))[: len(told)] == told
    later = (await house.facts("order.refunded", "return.requested"))[len(told) :]
    assert [getattr(fact, "reason", "?") for fact in later] == [None]
    assert await _left_of(house, "robert", "norman") == [("webhook_delivery", "body_enc")]


async def test_after_a_redaction_nothing_in_any_table_names_the_person(house: House) -> None:
    shop, customer_id = await _bob(house)
    assert {table for table, _ in await _left_of(house, *_SEEDED)} >= {"customer", "identity", "webhook_delivery"}

    await house.deliver(shop, "customers/redact", bodies.redaction())
    await house.normaliser.drain()
    await house.by_the_clock()

    assert await _left_of(house, *_SEEDED) == []
    [erased] = await house.facts("customer.erased")
    assert isinstance(erased, CustomerErasedV1)
    assert erased.customer_id == customer_id
    [completed] = await house.facts("erasure.completed")
    assert isinstance(completed, ErasureCompletedV1)
    assert (completed.erased_id, completed.request_id, completed.service) == (
        customer_id,
        erased.request_id,
        "order-ingest",
    )
    assert (await house.get(shop, "/v1/customers"))["items"] == []
    shown = await house.get(shop, f"/v1/customers/{customer_id}")
    assert (shown["email"], shown["given_name"], shown["consents"]) == (None, None, [])
    assert shown["erased_at"] is not None
    order = (await house.get(shop, "/v1/orders"))["items"][0]
    assert (order["customer_id"], order["total"]["amount_minor"]) == (str(customer_id), 4386)


async def test_late_deliveries_replays_and_imports_do_not_bring_the_person_back(house: House) -> None:
    shop, customer_id = await _bob(house)
    deliveries = (await house.get(shop, "/v1/deliveries"))["items"]
    await house.deliver(shop, "customers/redact", bodies.redaction())
    await house.normaliser.drain()
    told = [kind for kind in await house.told() if kind.startswith(("customer.", "consent."))]

    for delivery in deliveries:
        await house.post(shop, f"/v1/deliveries/{delivery['delivery_id']}/replays")
    await house.deliver(shop, "orders/updated", bodies.order(id=7, updated_at="2026-05-09T06:15:05-04:00"))
    await house.deliver(shop, "orders/create", bodies.order(id=6, customer=None))
    await house.normaliser.drain()
    answer = await house.upload(shop, _history_of_bob())
    assert answer.status_code == 202, answer.text
    assert await house.job_runner().run_one(asyncio.Event())
    await house.by_the_clock()

    assert [kind for kind in await house.told() if kind.startswith(("customer.", "consent."))] == told
    assert await _left_of(house, *(needle for needle in _SEEDED if needle != "207119551")) == []
    orders = (await house.get(shop, "/v1/orders"))["items"]
    assert len(orders) == 4
    assert {order["customer_id"] for order in orders} == {str(customer_id)}
    [described] = [each for each in deliveries if each["topic"] == "customers/update"]
    replayed = await house.get(shop, f"/v1/deliveries/{described['delivery_id']}")
    assert (replayed["state"], replayed["body"], replayed["body_bytes"]) == ("ignored", None, 0)


def _history_of_bob() -> bytes:
    order = {
        "id": "H-1",
        "placed_at": "2025-01-01T00:00:00Z",
        "updated_at": "2025-01-01T00:00:00Z",
        "currency": "USD",
        "customer": {"id": "207119551", "email": BOB, "given_name": "Robert"},
        "lines": [{"id": "1", "title": "Mug", "quantity": 1, "total_minor": 1000}],
    }
    return json.dumps(order).encode() + b"\n"


async def test_who_buys_again_is_somebody_new_under_the_same_address(house: House) -> None:
    shop, customer_id = await _bob(house)
    await house.deliver(shop, "customers/redact", bodies.redaction())
    await house.normaliser.drain()

    later = bodies.order(id=9, processed_at="2026-08-01T06:15:00Z", updated_at="2026-08-01T06:15:00Z")
    await house.deliver(shop, "orders/create", later)
    await house.deliver(shop, "orders/updated", bodies.order(updated_at="2026-08-02T06:15:00Z"))
    await house.normaliser.drain()

    [customer] = (await house.get(shop, "/v1/customers", email=BOB))["items"]
    assert customer["customer_id"] != str(customer_id)
    owners = {o["external_id"]: o["customer_id"] for o in (await house.get(shop, "/v1/orders"))["items"]}
    assert owners == {"450789469": str(customer_id), "9": customer["customer_id"]}


async def test_an_operator_asks_by_our_own_id_and_sees_who_has_answered(house: House) -> None:
    shop, customer_id = await _bob(house)

    asked = await house.post(shop, f"/v1/customers/{customer_id}/erasures")
    assert (asked["closed_at"], asked["answers"], asked["source"]) == (None, [], "operator")
    await house.by_the_clock()

    request_id = UUID(asked["request_id"])
    [erased] = await house.facts("customer.erased")
    assert isinstance(erased, CustomerErasedV1)
    assert (erased.customer_id, erased.request_id) == (customer_id, request_id)
    assert await _left_of(house, *_SEEDED) == []
    shown = await house.get(shop, f"/v1/privacy_requests/{request_id}")
    assert [answer["service"] for answer in shown["answers"]] == ["order-ingest"]

    for number, service in enumerate(OTHERS, 1):
        await _answered(house, shop, request_id, "erasure", service)
        [listed] = (await house.get(shop, "/v1/privacy_requests", customer_id=customer_id))["items"]
        assert (listed["closed_at"] is not None) == (number == len(OTHERS))
    assert (await house.get(shop, "/v1/privacy_requests", open=True))["items"] == []
    audited = await house.rows("SELECT action FROM audit_log WHERE action = 'customer.erasure'")
    assert len(audited) == 1


async def _answered(house: House, shop: Shop, request_id: UUID, kind: str, service: str, *parts: str) -> None:
    """Another service answers: its facts arrive, the last part first and twice."""
    whom, now = uuid4(), house.clock.now()
    facts: list[Fact] = [
        DataExportCompletedV1(
            customer_id=whom,
            request_id=request_id,
            service=service,
            part=number,
            parts=len(parts),
            data_sealed=SEALER.seal({"data": part}),
            completed_at=now,
        )
        for number, part in enumerate(parts, 1)
    ]
    if not parts:
        subject: ErasedKind = "customer" if kind == "erasure" else "store"
        facts = [
            ErasureCompletedV1(erased_id=whom, kind=subject, request_id=request_id, service=service, completed_at=now)
        ]
    for fact in [facts[-1], *reversed(facts)]:
        await Ears(house).hear(event(fact, shop.merchant_id, source=service))


async def test_an_export_holds_what_every_service_keeps(house: House) -> None:
    shop, customer_id = await _bob(house)
    await house.deliver(shop, "customers/data_request", bodies.data_request())
    await house.normaliser.drain()
    await house.by_the_clock()

    [wanted] = await house.facts("customer.data_requested")
    assert isinstance(wanted, CustomerDataRequestedV1)
    [request] = (await house.get(shop, "/v1/privacy_requests", kind="data_export"))["items"]
    assert (UUID(request["request_id"]), UUID(request["customer_id"])) == (wanted.request_id, customer_id)
    early = await _file(house, shop, wanted.request_id)
    assert early.status_code == 409
    packed = base64.b64encode(zlib.compress(json.dumps({"accounts": [{"usable": 43}]}).encode())).decode()
    for service in OTHERS:
        await _answered(house, shop, wanted.request_id, "data_export", service, packed[:10], packed[10:])

    answer = await _file(house, shop, wanted.request_id)
    archive = zipfile.ZipFile(io.BytesIO(answer.content))
    assert sorted(archive.namelist()) == sorted(f"{name}.json" for name in ("order-ingest", *OTHERS))
    assert json.loads(archive.read("loyalty.json")) == {"accounts": [{"usable": 43}]}
    ours = json.loads(archive.read("order-ingest.json"))
    [customer] = ours["customers"]
    assert (customer["customer_id"], customer["said"]["email"]["value"]) == (str(customer_id), BOB)
    [order] = ours["orders"]
    assert order["content"]["number"] == "#1001"
    assert len(order["refunds"]) == 1
    assert {row["value"] for row in ours["identities"]} >= {"207119551"}
    sent = {(each["topic"], json.loads(each["body"]).get("id")) for each in ours["deliveries"]}
    assert sent >= {("orders/create", 450789469), ("customers/update", 207119551), ("refunds/create", 509562969)}

    async with house.worker.begin() as uow:
        assert await forget_exports(uow.connection, house.clock.now() + EXPORTS_KEPT + timedelta(days=1)) == 7
    empty = await _file(house, shop, wanted.request_id)
    assert zipfile.ZipFile(io.BytesIO(empty.content)).namelist() == []


async def _file(house: House, shop: Shop, request_id: UUID) -> Any:
    headers = house.bearer("privacy_requests:read", merchant_id=shop.merchant_id)
    return await house.client.get(f"/v1/privacy_requests/{request_id}/file", headers=headers)


async def test_requests_that_are_carried_out_together_all_come_to_their_end(house: House) -> None:
    shop, customer_id = await _bob(house)
    paths = ["erasures", "erasures", "data_exports"]
    asked = [await house.post(shop, f"/v1/customers/{customer_id}/{path}") for path in paths]
    await house.by_the_clock()
    late = await house.post(shop, f"/v1/customers/{customer_id}/data_exports")
    await house.by_the_clock()

    for request in (*asked, late):
        shown = await house.get(shop, f"/v1/privacy_requests/{request['request_id']}")
        assert [each["service"] for each in shown["answers"]] == ["order-ingest"], request["kind"]
    told = [fact for fact in await house.facts("customer.erased") if isinstance(fact, CustomerErasedV1)]
    assert sorted(str(fact.request_id) for fact in told) == sorted(each["request_id"] for each in asked[:2])
    assert len(await house.facts("customer.data_requested")) == 2


async def test_a_part_that_is_missing_keeps_the_request_open(house: House) -> None:
    shop, customer_id = await _bob(house)
    asked = await house.post(shop, f"/v1/customers/{customer_id}/data_exports")
    await house.by_the_clock()
    request_id = UUID(asked["request_id"])
    for service in OTHERS[:2]:
        await _answered(house, shop, request_id, "data_export", service, "a")
    half = DataExportCompletedV1(
        customer_id=customer_id,
        request_id=request_id,
        service=OTHERS[2],
        part=2,
        parts=2,
        data_sealed=SEALER.seal({"data": "b"}),
        completed_at=house.clock.now(),
    )
    await Ears(house).hear(event(half, shop.merchant_id, source=OTHERS[2]))

    shown = await house.get(shop, f"/v1/privacy_requests/{request_id}")
    assert (shown["closed_at"], len(shown["answers"])) == (None, 3)


async def test_a_store_that_asks_is_forgotten_with_everybody_whom_no_other_store_knows(house: House) -> None:
    shop, customer_id = await _bob(house)
    other = await house.shop("standard", merchant_id=shop.merchant_id, account="second")
    ann = {"id": 5, "email": "ann@example.com", "updated_at": "2026-05-01T08:00:00Z"}
    await house.deliver(shop, "customers/update", ann)
    await house.send(
        other, "customer.updated", {"id": "C-9", "email": "ann@example.com", "updated_at": "2026-05-02T08:00:00Z"}
    )
    await house.normaliser.drain()

    await house.deliver(shop, "app/uninstalled", bodies.uninstalled())
    await house.normaliser.drain()
    health = await house.get(shop, f"/v1/stores/{shop.store_id}/health")
    assert health["disconnected_at"] == "2026-05-02T10:15:06.123000Z"
    await house.deliver(shop, "shop/redact", bodies.shop_redaction())
    await house.normaliser.drain()
    await house.by_the_clock()

    assert await _left_of(house, *_SEEDED) == []
    assert [each["email"] for each in (await house.get(shop, "/v1/customers"))["items"]] == ["ann@example.com"]
    erased = [fact for fact in await house.facts("customer.erased") if isinstance(fact, CustomerErasedV1)]
    assert [fact.customer_id for fact in erased] == [customer_id]
    [left] = await house.facts("store.disconnected")
    [gone] = await house.facts("store.erased")
    assert isinstance(left, StoreDisconnectedV1)
    assert isinstance(gone, StoreErasedV1)
    assert (left.store_id, gone.store_id, gone.request_id) == (shop.store_id, shop.store_id, erased[0].request_id)
    house.clock.advance(REMEMBERED_FOR)
    assert (await house.deliver(shop, "orders/create", bodies.order(id=11))).status_code == 401
    [request] = (await house.get(shop, "/v1/privacy_requests", kind="store_erasure"))["items"]
    assert ([each["service"] for each in request["answers"]], request["closed_at"]) == (["order-ingest"], None)


async def test_hundreds_of_people_are_forgotten_in_steps(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.order_ingest.adapters.store_erasures._AT_ONCE", 3)
    monkeypatch.setattr("services.order_ingest.adapters.store_erasures._BODIES_AT_ONCE", 4)
    shop = await house.shop()
    for number in range(1, 9):
        person = {"id": number, "email": f"p{number}@example.com", "updated_at": "2026-05-01T08:00:00Z"}
        await house.deliver(shop, "customers/update", person)
    await house.normaliser.drain()

    await house.post(shop, f"/v1/stores/{shop.store_id}/erasures")
    await house.by_the_clock()

    assert len(await house.facts("customer.erased")) == 8
    assert len(await house.facts("store.erased")) == 1
    assert await _left_of(house, *(f"p{number}@example.com" for number in range(1, 9))) == []


async def test_merged_lives_are_forgotten_together(house: House) -> None:
    shop, _ = await _bob(house)
    five = {"id": 5, "email": "robert@example.com", "updated_at": "2026-05-01T08:00:00Z"}
    await house.deliver(shop, "customers/update", five)
    await house.normaliser.drain()
    [absorbed] = (await house.get(shop, "/v1/customers", email="robert@example.com"))["items"]
    kept, gone = "gid://shopify/Customer/207119551", "gid://shopify/Customer/5"
    await house.deliver(
        shop,
        "customers/merge",
        bodies.customer_merge(admin_graphql_api_customer_kept_id=kept, admin_graphql_api_customer_deleted_id=gone),
    )
    await house.normaliser.drain()

    await house.post(shop, f"/v1/customers/{absorbed['customer_id']}/erasures")
    await house.by_the_clock()

    assert await _left_of(house, "robert@example.com", *_SEEDED) == []
    assert len(await house.facts("customer.erased")) == 1


async def test_somebody_elses_customers_stores_and_requests_are_not_there(house: House) -> None:
    shop, customer_id = await _bob(house)
    stranger = await house.shop()
    asked = await house.post(shop, f"/v1/customers/{customer_id}/erasures")
    headers = house.bearer("privacy_requests:*", merchant_id=stranger.merchant_id)

    for method, path in (
        ("POST", f"/v1/customers/{customer_id}/erasures"),
        ("POST", f"/v1/customers/{customer_id}/data_exports"),
        ("POST", f"/v1/customers/{uuid4()}/erasures"),
        ("POST", f"/v1/stores/{shop.store_id}/erasures"),
        ("GET", f"/v1/privacy_requests/{asked['request_id']}"),
        ("GET", f"/v1/privacy_requests/{asked['request_id']}/file"),
    ):
        answer = await house.client.request(method, path, headers=headers)
        assert answer.status_code == 404, (method, path)
    assert (await house.client.get("/v1/privacy_requests", headers=headers)).json()["items"] == []


async def test_an_answer_to_a_request_that_nobody_made_is_kept_nowhere(house: House) -> None:
    shop, _ = await _bob(house)
    await _answered(house, shop, uuid4(), "erasure", "loyalty")

    assert await house.rows("SELECT 1 FROM privacy_answer") == []


def test_a_number_is_found_however_it_is_grouped() -> None:
    found = pattern_of(["+12125550123", "ann@example.com"])
    assert found is not None
    for body in (b"+12125550123", b"(212) 555-0123", b"212.555.0123", b'"1 212 555 0123"', b"ANN@EXAMPLE.COM"):
        assert found.search(body), body
    for body in (b"92125550123999", b"212555012", b"ann@example.org", b"2125550124"):
        assert not found.search(body), body
    assert pattern_of([]) is None
