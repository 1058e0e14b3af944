"""Every operation of the running services, and how to call it: the one mapping from examples to what is really there.

A request is the operation's own example, with these replacements:

- path parameters: the tenant's ids (`Tenant.ids`); where the call would spend the thing (publish a draft, lift a
  suppression, discard a parked event) a fresh one is made for it: `_FRESH`;
- query parameters: required ones take the tenant's ids, optional ones are left out;
- headers: `If-Match` is the ETag of the same path, `Idempotency-Key` is new, a hook is signed;
- fields of the body: `_FIELDS`; everything else goes out as the example says it.

Merchants, rewinds, skips, epochs and buses are the platform's business: they go out with its token, everything else
with the tenant's.
"""

import json
import secrets
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import urlsplit

import httpx

from deploy.local.databases import SERVICES
from libs.servicekit.auth import SCHEME_NAME
from tests.asking import done, eventually, items
from tests.chaos.shop import Delivery
from tests.running import Running
from tests.seeding import TOPIC, Tenant
from tests.shopping import deliver, text_of

METHODS: Final = frozenset({"get", "put", "post", "delete", "patch"})
PLATFORMS: Final = (
    "/v1/merchants",
    "/v1/ops/rewinds",
    "/v1/ops/skips",
    "/v1/ops/epochs",
    "/v1/ops/epochs/acceptances",
    "/v1/ops/buses/{bus_name}/retirements",
)
_OWN_TOPIC: Final = {"order_ingest": "commerce"}
_JSON: Final = "application/json"


@dataclass(frozen=True, slots=True)
class Operation:
    """One method of one path, as the service's OpenAPI document tells it."""

    service: str
    method: str
    path: str
    told: Mapping[str, Any]
    document: Mapping[str, Any]

    def __str__(self) -> str:
        return f"{self.service} {self.method} {self.path}"

    @property
    def key(self) -> tuple[str, str, str]:
        return self.service, self.method, self.path

    @property
    def scopes(self) -> list[str]:
        return [scope for each in self.told.get("security", ()) for scope in each[SCHEME_NAME]]

    @property
    def is_public(self) -> bool:
        return "security" not in self.told

    @property
    def is_platforms(self) -> bool:
        return self.path in PLATFORMS

    @property
    def success(self) -> tuple[int, Mapping[str, Any]]:
        """The documented success status with its answer."""
        [(status, answer)] = [(s, a) for s, a in self.told["responses"].items() if s.startswith("2")]
        return int(status), answer

    def parameters(self, place: str) -> list[Mapping[str, Any]]:
        return [each for each in self.told.get("parameters", ()) if each["in"] == place]

    def schema(self, schema: Mapping[str, Any]) -> dict[str, Any]:
        """The schema as one that a validator can follow by itself."""
        return {**schema, "components": self.document["components"]}

    def answer_example(self) -> Any:
        """The example of the JSON success answer."""
        return _example(self.success[1]["content"][_JSON])

    def body_example(self) -> Any:
        """The example of the request's body, None if it has none."""
        content = self.told.get("requestBody", {}).get("content", {})
        return next((_example(media) for media in content.values()), None)


@dataclass(frozen=True, slots=True)
class Call:
    """A request that can be sent, as often as needed."""

    method: str
    path: str
    params: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    content: bytes | None = None

    async def send(self, client: httpx.AsyncClient, **headers: str) -> httpx.Response:
        """The answer."""
        return await client.request(
            self.method,
            self.path,
            params=dict(self.params),
            headers={**self.headers, **headers},
            content=self.content,
        )


async def operations_of(running: Running, service: str) -> list[Operation]:
    """What the service's document lists, from the running service."""
    async with running.client(service) as client:
        document = (await client.get("/openapi.json")).raise_for_status().json()
    return [
        Operation(service, method.upper(), path, told, document)
        for path, item in document["paths"].items()
        for method, told in item.items()
        if method in METHODS
    ]


async def all_operations(running: Running) -> list[Operation]:
    """What all four documents list."""
    return [each for service in SERVICES for each in await operations_of(running, service)]


async def call_of(operation: Operation, tenant: Tenant, client: httpx.AsyncClient) -> Call:
    """The operation's example, addressed to what the tenant has; `client` acts for the tenant."""
    names = [each["name"] for each in operation.parameters("path")]
    fresh = await _FRESH[operation.key](tenant, client) if operation.key in _FRESH else {}
    values = {name: _own_id(operation, tenant, name) for name in names if name not in {"parked_id", *fresh}} | fresh
    if "parked_id" in names:
        own = tenant.id_of(operation.service, "parked_id")
        values["parked_id"] = own if operation.method == "GET" else tenant.parked[operation.service].pop()
    path = operation.path.format(**values)
    params = {
        each["name"]: _own_id(operation, tenant, each["name"])
        for each in operation.parameters("query")
        if each["required"]
    }
    content = _content(operation, tenant)
    headers = await _headers(operation, tenant, client, path, content)
    return Call(operation.method, path, params, headers, content)


def _own_id(operation: Operation, tenant: Tenant, name: str) -> str:
    if name == "platform":
        return "standard"
    if name == "bus_name":
        return "a-former-one"
    if name == "endpoint_token":
        return urlsplit(tenant.hook.url).path.rpartition("/")[2]
    return tenant.id_of(operation.service, name)


def _content(operation: Operation, tenant: Tenant) -> bytes | None:
    example = operation.body_example()
    if example is None:
        return None
    if isinstance(example, str):
        return example.encode()
    own = {name: make(operation, tenant) for name, make in _FIELDS.items() if name in example}
    if operation.path == "/v1/ops/skips":
        own |= {"topic": TOPIC, "lane": secrets.randbelow(63), "sequence": 1}
    return json.dumps({**example, **own}).encode()


_FIELDS: Final[Mapping[str, Callable[[Operation, Tenant], Any]]] = {
    "customer_id": lambda operation, tenant: tenant.id_of(operation.service, "customer_id"),
    # The seeded store is no Shopify store, and of each account there is one store.
    "secret": lambda operation, tenant: (
        tenant.hook.secret if "{store_id}" in operation.path else "shpss_0123456789abcdef"
    ),
    "account": lambda operation, tenant: secrets.token_hex(8),
    "topic": lambda operation, tenant: (
        _OWN_TOPIC.get(operation.service, operation.service) if "/ops/" in operation.path else "marketing"
    ),
    # Consent is what the next messages need.
    "state": lambda operation, tenant: "subscribed",
}


async def _headers(
    operation: Operation, tenant: Tenant, client: httpx.AsyncClient, path: str, content: bytes | None
) -> dict[str, str]:
    wanted = {each["name"].lower() for each in operation.parameters("header")}
    headers: dict[str, str] = {}
    if "webhook-signature" in wanted and content is not None:
        return tenant.hook.headers(Delivery(secrets.token_hex(8), "", content), int(time.time()))
    if content is not None:
        headers["Content-Type"] = next(iter(operation.told["requestBody"]["content"]))
    if "if-match" in wanted:
        headers["If-Match"] = (await client.get(path)).headers["ETag"]
    if "idempotency-key" in wanted:
        headers["Idempotency-Key"] = secrets.token_hex(8)
    return headers


async def _programme_draft(tenant: Tenant, client: httpx.AsyncClient) -> dict[str, str]:
    path = f"/v1/programmes/{tenant.id_of('loyalty', 'programme_id')}/versions"
    return {"number": str((await client.post(path, json={})).raise_for_status().json()["number"])}


async def _template_draft(tenant: Tenant, client: httpx.AsyncClient) -> dict[str, str]:
    path = f"/v1/templates/{tenant.id_of('messaging', 'template_id')}/versions"
    content = {"subject": "Another", "html": "<p>{{ points }}</p>"}
    return {"number": str((await client.post(path, json=content)).raise_for_status().json()["version"])}


async def _suppression(tenant: Tenant, client: httpx.AsyncClient) -> dict[str, str]:
    body = {"email": f"{secrets.token_hex(4)}@shop.example"}
    return {
        "suppression_id": (await client.post("/v1/suppressions", json=body)).raise_for_status().json()["suppression_id"]
    }


async def _asked_store(tenant: Tenant, client: httpx.AsyncClient) -> dict[str, str]:
    """A store with an API, at a name that nobody has, and the right to ask it."""
    account = secrets.token_hex(8)
    body = {"platform": "magento", "account": account, "domain": f"{account}.invalid", "currency": "EUR"}
    store_id = (await client.post("/v1/stores", json=body)).raise_for_status().json()["store_id"]
    access = {"secrets": {"access_token": "0123456789abcdef"}}
    (await client.put(f"/v1/stores/{store_id}/access", json=access)).raise_for_status()
    return {"store_id": store_id}


async def _somebody(tenant: Tenant, client: httpx.AsyncClient) -> dict[str, str]:
    """A customer of whom nothing else is known."""
    external_id, now = secrets.token_hex(6), text_of(datetime.now(UTC))
    described = {"id": external_id, "email": f"{external_id}@shop.example", "updated_at": now}
    await deliver(tenant.hook, {"type": "customer.created", "timestamp": now, "data": described})
    known = await eventually(lambda: items(client, f"/v1/customers?external_id={external_id}"), "the customer")
    return {"customer_id": known[0]["customer_id"]}


async def _absorbed(tenant: Tenant, client: httpx.AsyncClient) -> dict[str, str]:
    """A customer known by a number, who turned out to be one known by an address."""
    email, phone = f"{secrets.token_hex(6)}@shop.example", f"+49151{secrets.randbelow(10**8):08d}"
    now = text_of(datetime.now(UTC))
    for named in ({"email": email}, {"phone": phone}, {"email": email, "phone": phone}):
        said = {"customer": named, "channel": "email", "state": "subscribed", "at": now}
        await deliver(tenant.hook, {"type": "consent.captured", "timestamp": now, "data": said})

    async def absorbed() -> list[dict[str, Any]] | None:
        known = await items(client, f"/v1/customers?email={email}")
        if known is None:
            return None
        identities = await done(client.get(f"/v1/customers/{known[0]['customer_id']}/identities"))
        return identities["absorbed"] or None

    return {"customer_id": (await eventually(absorbed, "the merge"))[0]["customer_id"]}


async def _export(tenant: Tenant, client: httpx.AsyncClient) -> dict[str, str]:
    """A request for a customer's data to which every service has answered."""
    customer_id = (await _somebody(tenant, client))["customer_id"]
    asked = await done(client.post(f"/v1/customers/{customer_id}/data_exports"))
    closed = f"/v1/privacy_requests?customer_id={customer_id}&open=false"
    await eventually(lambda: items(client, closed), "all answers")
    return {"request_id": asked["request_id"]}


_ACCESS: Final = "/v1/stores/{store_id}/access"
_VERSION: Final = "/v1/programmes/{programme_id}/versions/{number}"
_TEMPLATE: Final = "/v1/templates/{template_id}/versions/{number}"
_FRESH: Final[Mapping[tuple[str, str, str], Callable[[Tenant, httpx.AsyncClient], Awaitable[dict[str, str]]]]] = {
    ("loyalty", "PATCH", _VERSION): _programme_draft,
    ("loyalty", "POST", f"{_VERSION}/publication"): _programme_draft,
    ("messaging", "PUT", _TEMPLATE): _template_draft,
    ("messaging", "POST", f"{_TEMPLATE}/publication"): _template_draft,
    ("messaging", "DELETE", "/v1/suppressions/{suppression_id}"): _suppression,
    ("order_ingest", "PUT", _ACCESS): _asked_store,
    ("order_ingest", "GET", _ACCESS): _asked_store,
    ("order_ingest", "DELETE", _ACCESS): _asked_store,
    ("order_ingest", "POST", "/v1/stores/{store_id}/pulls"): _asked_store,
    ("order_ingest", "POST", "/v1/stores/{store_id}/erasures"): _asked_store,
    ("order_ingest", "POST", "/v1/customers/{customer_id}/erasures"): _somebody,
    ("order_ingest", "POST", "/v1/customers/{customer_id}/data_exports"): _somebody,
    ("order_ingest", "POST", "/v1/customers/{customer_id}/unmerges"): _absorbed,
    ("order_ingest", "GET", "/v1/privacy_requests/{request_id}"): _export,
    ("order_ingest", "GET", "/v1/privacy_requests/{request_id}/file"): _export,
}


def _example(media: Mapping[str, Any]) -> Any:
    if "example" in media:
        return media["example"]
    return next((each["value"] for each in media.get("examples", {}).values()), None)
