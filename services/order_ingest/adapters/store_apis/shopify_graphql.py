"""Shopify's GraphQL Admin API: one operation, and its refusals in our words.

Source: shopify.dev, "GraphQL Admin API reference" (2026-04), "Status and error codes", "Shopify API limits": an
operation that fails is answered with status 200 and `errors`, one whose input is not taken with `userErrors`.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import httpx

from services.order_ingest.adapters.store_apis.asking import ask
from services.order_ingest.application.store_apis import Access, ApiAway, ApiRefuses

_LONGEST_PAUSE_SECONDS: Final = 60.0
_MAY_PASS: Final = frozenset({"THROTTLED", "INTERNAL_SERVER_ERROR", "TIMEOUT", "INTERNAL_ERROR"})


async def execute(
    http: httpx.AsyncClient, access: Access, operation: str, variables: Mapping[str, Any]
) -> Mapping[str, Any]:
    """What the operation's one field answers; empty where it is null.

    Raises:
        ApiAway: no answer, too many operations, or Shopify is broken.
        ApiRefuses: the token has no right to it, or the operation is none.
    """
    headers = {"X-Shopify-Access-Token": access.credentials["access_token"], "Accept": "application/json"}
    url, document = f"{access.base_url}/graphql.json", {"query": operation, "variables": dict(variables)}
    answer = await ask(http, "POST", url, headers=headers, document=document)
    if answer is None:
        raise ApiRefuses("there is no GraphQL API at this address")
    found = answer.json()
    if not isinstance(found, dict):
        raise ApiAway("the answer is no GraphQL answer")
    if errors := found.get("errors"):
        _refuse(_codes(errors), found)
    fields = found.get("data")
    if not isinstance(fields, dict) or len(fields) != 1:
        raise ApiAway("the answer is no GraphQL answer")
    [field] = fields.values()
    return field if isinstance(field, dict) else {}


def complaints(field: Mapping[str, Any]) -> Sequence[str]:
    """The codes of `userErrors`, each with the input that it is about. Their messages may quote what was sent.

    Raises:
        ApiAway: Shopify says that the fault is its own.
    """
    found = [_complaint(each) for each in field.get("userErrors") or () if isinstance(each, dict)]
    if any(code in _MAY_PASS for code, _ in found):
        raise ApiAway("Shopify is broken inside")
    return [f"{code} at {place}" if place else code for code, place in found]


def _complaint(error: Mapping[str, Any]) -> tuple[str, str]:
    path = error.get("field")
    return str(error.get("code") or "INVALID")[:60], ".".join(map(str, path))[:100] if isinstance(path, list) else ""


def _codes(errors: Any) -> Sequence[str]:
    if not isinstance(errors, list):
        return ["ERROR"]
    extensions = [each.get("extensions") for each in errors if isinstance(each, dict)]
    return [str(each.get("code", "ERROR"))[:60] for each in extensions if isinstance(each, dict)] or ["ERROR"]


def _refuse(codes: Sequence[str], answer: Mapping[str, Any]) -> None:
    if _MAY_PASS.issuperset(codes):
        raise ApiAway(f"GraphQL error {codes[0]}", _pause(answer))
    raise ApiRefuses(f"GraphQL error {codes[0]}")


def _pause(answer: Mapping[str, Any]) -> float | None:
    """Seconds until the bucket of points holds what the operation costs; None where the answer does not say."""
    try:
        cost = answer["extensions"]["cost"]
        status = cost["throttleStatus"]
        missing = float(cost["requestedQueryCost"]) - float(status["currentlyAvailable"])
        return min(max(missing / float(status["restoreRate"]), 1.0), _LONGEST_PAUSE_SECONDS)
    except (KeyError, TypeError, ValueError, ZeroDivisionError):
        return None
