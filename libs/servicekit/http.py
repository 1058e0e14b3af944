"""The HTTP application that all four services share: `create_app` mounts everything that is the same everywhere."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from fastapi import APIRouter, Depends, FastAPI
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp

from libs.contracts import asyncapi
from libs.servicekit import audit_routes, job_routes, ops, ops_buses, ops_epochs
from libs.servicekit.edge import BodyLimit, Edge
from libs.servicekit.health import health_routes
from libs.servicekit.kit import Kit, kit, part
from libs.servicekit.openapi import describe, show_docs
from libs.servicekit.problems import handle_problems
from libs.servicekit.query import only_declared_parameters

BODY_LIMIT_BYTES: Final = 1 << 20
_OPERATIONS: Final = (ops.router, ops_buses.router, ops_epochs.router)


@dataclass(frozen=True, slots=True)
class Mounted:
    """A plain-ASGI part under a path of its own, described in OpenAPI by hand (FastAPI cannot look into it).

    It limits its own bodies and answers its own errors: nothing but the edge lies before it.
    """

    path: str
    app: ASGIApp
    openapi_paths: Mapping[str, Any] = field(default_factory=dict)


def create_app(
    kit: Kit,
    *,
    title: str,
    description: str,
    version: str,
    routers: Sequence[APIRouter],
    parts: Sequence[object] = (),
    mounted: Sequence[Mounted] = (),
    body_limits: Mapping[str, int] | None = None,
) -> FastAPI:
    """The service's application: its routers beside health, metrics, documents, ops, jobs and audit log.

    `parts` are what the routers reach through `Depends(part(Kind))`, one object per class. `body_limits` are bytes by
    path prefix where 1 MiB is not right. No CORS headers are ever sent: browsers of other origins stay out.
    """
    app = _bare(
        kit,
        title=title,
        description=description,
        version=version,
        body_limits=body_limits or {},
        mounted={each.path: each.app for each in mounted},
    )
    app.state.parts = {type(each): each for each in parts}
    for router in (*routers, *_OPERATIONS, job_routes.router, audit_routes.router):
        app.include_router(router)
    app.routes.extend(health_routes(kit.health))
    _show_asyncapi(app, kit.service)
    show_docs(app)
    describe(app, by_hand={path: item for each in mounted for path, item in each.openapi_paths.items()})
    return app


def _bare(
    kit: Kit,
    *,
    title: str,
    description: str,
    version: str,
    body_limits: Mapping[str, int],
    mounted: Mapping[str, ASGIApp],
) -> FastAPI:
    app = FastAPI(
        title=title,
        description=description,
        version=version,
        docs_url=None,
        redoc_url=None,
        dependencies=[Depends(only_declared_parameters)],
        middleware=[
            Middleware(Edge, mounted=mounted),
            Middleware(BodyLimit, default_bytes=BODY_LIMIT_BYTES, by_prefix=body_limits),
        ],
        telemetry={"tracing": False, "metrics": False, "logs": False},
    )
    app.state.kit = kit
    app.state.declared_parameters = {}
    handle_problems(app)
    return app


def _show_asyncapi(app: FastAPI, service: str) -> None:
    document = asyncapi.document(service)

    async def show(request: Request) -> Response:
        return JSONResponse(document)

    app.add_route("/asyncapi.json", show, include_in_schema=False)


__all__ = ["BODY_LIMIT_BYTES", "Kit", "Mounted", "create_app", "kit", "part"]
