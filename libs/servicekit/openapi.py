"""The OpenAPI document as all four services show it, and the page that shows it without the internet."""

from collections.abc import Iterator, Mapping
from importlib.resources import files
from typing import Any, Final

from fastapi import FastAPI
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.openapi.utils import get_openapi
from fastapi.staticfiles import StaticFiles
from starlette.requests import Request
from starlette.responses import HTMLResponse

from libs.servicekit.auth import SCHEME_NAME
from libs.servicekit.openapi_examples import show_examples
from libs.servicekit.problems import MEDIA_TYPE, ProblemDocument

# An OpenAPI document has no narrower type than this in Python.
Document = dict[str, Any]

_ASSETS: Final = "/docs/assets"
_METHODS: Final = frozenset({"get", "put", "post", "delete", "options", "head", "patch", "trace"})
_GENERATED_ERRORS: Final = ("HTTPValidationError", "ValidationError")


def describe(app: FastAPI, *, by_hand: Mapping[str, Any]) -> None:
    """`app.openapi()` tells scopes, problems, and the paths of mounted plain-ASGI parts, which FastAPI cannot see."""

    def openapi() -> Document:
        if app.openapi_schema is None:
            app.openapi_schema = _document(app, by_hand)
        return app.openapi_schema

    # FastAPI documents this assignment as the way to extend its document.
    app.openapi = openapi  # type: ignore[method-assign]


def _document(app: FastAPI, by_hand: Mapping[str, Any]) -> Document:
    document = get_openapi(
        title=app.title,
        version=app.version,
        description=app.description,
        routes=app.routes,
        tags=app.openapi_tags,
    )
    document["paths"] = {**document.get("paths", {}), **by_hand}
    schemas = document.setdefault("components", {}).setdefault("schemas", {})
    for operation in _operations(document):
        _tell_scopes(operation)
        _tell_problems(operation)
        show_examples(operation, schemas)
    for name in _GENERATED_ERRORS:
        schemas.pop(name, None)
    problem = ProblemDocument.model_json_schema(ref_template="#/components/schemas/{model}")
    schemas.update(problem.pop("$defs"), ProblemDocument=problem)
    return document


def _operations(document: Document) -> Iterator[Document]:
    for path in document["paths"].values():
        yield from (operation for method, operation in path.items() if method in _METHODS)


def _scopes(operation: Document) -> list[str]:
    return [scope for each in operation.get("security", ()) for scope in each.get(SCHEME_NAME, ())]


def _tell_scopes(operation: Document) -> None:
    if scopes := _scopes(operation):
        told = "Scope: " + ", ".join(f"`{scope}`" for scope in scopes)
        operation["description"] = "\n\n".join(filter(None, (operation.get("description"), told)))


def _tell_problems(operation: Document) -> None:
    responses = operation.setdefault("responses", {})
    told = {"422": "`invalid-request`: `errors` says what is wrong and where"} if "422" in responses else {}
    if "security" in operation:
        told["401"] = "`unauthorized`: no valid token"
        if "403" not in responses:  # a route with more to say has said it
            told["403"] = "`missing-scope`: the token lacks the scope"
    told["default"] = "Any other problem; after `unavailable` (503) try again"
    content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/ProblemDocument"}}}
    for status, description in told.items():
        responses[status] = {"description": description, "content": content}
    for status, answer in responses.items():
        if status[0] in "45" and "content" not in answer:  # described by hand
            answer["content"] = content


def show_docs(app: FastAPI) -> None:
    """`/docs` is the OpenAPI page, made of files that were installed, none from the internet."""
    page = get_swagger_ui_html(
        openapi_url="openapi.json",
        title=app.title,
        swagger_js_url=f"{_ASSETS[1:]}/swagger-ui-bundle.js",
        swagger_css_url=f"{_ASSETS[1:]}/swagger-ui.css",
        swagger_favicon_url=f"{_ASSETS[1:]}/favicon.png",
        swagger_ui_parameters={"filter": True, "tryItOutEnabled": True, "displayRequestDuration": True},
    )

    async def docs(request: Request) -> HTMLResponse:
        return page

    app.add_route("/docs", docs, include_in_schema=False)
    app.mount(_ASSETS, StaticFiles(directory=str(files("fastapi_offline") / "static")), name="docs-assets")
