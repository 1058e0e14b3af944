"""Query parameters that a route does not declare are refused, not ignored."""

from collections.abc import Callable
from typing import Any

from fastapi import Request
from fastapi.dependencies.utils import get_flat_params
from fastapi.params import ParamTypes

from libs.servicekit.problems import Flaw, invalid
from libs.servicekit.routes import route_of


async def only_declared_parameters(request: Request) -> None:
    """Every query parameter of the request is one that its route declares.

    Raises:
        Problem: 422 that names each unknown parameter and the known ones.
    """
    if not request.scope["query_string"]:
        return
    declared = _declared(request)
    unknown = [name for name in dict.fromkeys(request.query_params.keys()) if name not in declared]
    if unknown:
        known = ", ".join(sorted(declared)) or "none"
        raise invalid(
            "See errors for each parameter.",
            [Flaw(pointer=f"/query/{name}", detail=f"unknown parameter; this route has: {known}") for name in unknown],
        )


def _declared(request: Request) -> frozenset[str]:
    route = route_of(request.scope)
    cache: dict[Callable[..., Any], frozenset[str]] = request.app.state.declared_parameters
    if route.endpoint not in cache:
        fields = get_flat_params(route.dependant)
        cache[route.endpoint] = frozenset(
            each.alias for each in fields if getattr(each.field_info, "in_", ParamTypes.query) == ParamTypes.query
        )
    return cache[route.endpoint]
