"""Which route a running request has matched."""

from typing import Any

from starlette.types import Scope


def route_of(scope: Scope) -> Any:
    """The matched route, or None before or without a match (FastAPI's own types for it are private)."""
    # An included route carries what its routers add in a context of its own.
    return scope.get("fastapi", {}).get("effective_route_context") or scope.get("route")


def template_of(scope: Scope) -> str:
    """The matched route as a template: a path itself may hold ids and tokens, and there is no end of them."""
    path = getattr(route_of(scope), "path", None)
    return str(path if path is not None else scope.get("root_path") or "unmatched")
